// QR codes by the camera. The browser's own BarcodeDetector where there is one, else jsQR, fetched when the camera starts. A code is told once
// as long as it stays in view; the server answers with cn.scan.told. Sound and vibration are off until somebody wants them, and remembered here.
(() => {
  const SIDE = 640;            // pixels of the longer side that jsQR looks at
  const PAUSE_MS = 120;        // between looks
  const GONE_MS = 2000;        // out of view for so long: shown again it counts again
  const kept = (name) => { try { return localStorage.getItem(`cn-scan:${name}`) === "on"; } catch { return false; } };
  const keep = (name, on) => { try { localStorage.setItem(`cn-scan:${name}`, on ? "on" : "off"); } catch { /* for this page only */ } };
  const words = (root) => JSON.parse(root.dataset.words);
  let stream = null, look = null, root = null, last = { text: "", at: 0 }, sound = null, facing = "environment";

  const say = (state, key) => {
    root.dataset.state = state;
    root.querySelector(".cn-scan-state").textContent = key ? words(root)[key] || words(root).failed : "";
    const start = root.querySelector(".cn-scan-start");
    if (start) start.textContent = words(root)[state === "on" ? "stop" : "start"];
  };
  const script = () => window.jsQR ? Promise.resolve() : new Promise((done, failed) => {
    const el = document.createElement("script");
    el.src = "/static/vendor/jsQR.js"; el.onload = done; el.onerror = failed;
    document.head.append(el);
  });
  const own = async () => {
    if (!("BarcodeDetector" in window)) return null;
    const known = await BarcodeDetector.getSupportedFormats().catch(() => []);
    if (!known.includes("qr_code")) return null;
    const detector = new BarcodeDetector({ formats: ["qr_code"] });
    return async (video) => (await detector.detect(video))[0]?.rawValue || "";
  };
  const theirs = async () => {
    await script();
    const canvas = document.createElement("canvas"), pen = canvas.getContext("2d", { willReadFrequently: true });
    return async (video) => {
      const scale = Math.min(1, SIDE / Math.max(video.videoWidth, video.videoHeight));
      canvas.width = Math.round(video.videoWidth * scale); canvas.height = Math.round(video.videoHeight * scale);
      pen.drawImage(video, 0, 0, canvas.width, canvas.height);
      const image = pen.getImageData(0, 0, canvas.width, canvas.height);
      return jsQR(image.data, image.width, image.height, { inversionAttempts: "dontInvert" })?.data || "";
    };
  };
  const loop = async (mine) => {
    const video = root.querySelector("video");
    while (stream === mine && root.isConnected) {
      if (video.readyState >= 2 && video.videoWidth) {
        const text = await look(video).catch(() => "");
        const now = Date.now();
        if (text && (text !== last.text || now - last.at > GONE_MS)) root.dispatchEvent(new CustomEvent("scanned", { detail: text.slice(0, 500) }));
        if (text) last = { text, at: now };
      }
      await new Promise((go) => setTimeout(go, PAUSE_MS));
    }
    if (stream === mine) stop();
  };
  const stop = () => {
    stream?.getTracks().forEach((track) => track.stop());
    stream = null;
    if (root?.isConnected) { root.querySelector("video").srcObject = null; say("off", ""); }
  };
  const start = async () => {
    if (!window.isSecureContext || !navigator.mediaDevices) return say("off", "insecure");
    say("wait", "wait");
    try {
      look = look || await own() || await theirs();
      const mine = await navigator.mediaDevices.getUserMedia({ audio: false, video: { facingMode: { ideal: facing }, width: { ideal: 1280 }, height: { ideal: 720 } } });
      stream = mine;
      const video = root.querySelector("video");
      video.srcObject = mine;
      await video.play();
      const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((each) => each.kind === "videoinput");
      root.querySelector(".cn-scan-flip").hidden = cameras.length < 2;
      root.classList.toggle("mirrored", mine.getVideoTracks()[0]?.getSettings().facingMode === "user");
      say("on", "look");
      loop(mine);
    } catch (e) { stop(); say("off", e?.name || "failed"); }
  };
  const beep = (tone) => {
    sound = sound || new AudioContext();
    const at = sound.currentTime, notes = { good: [880], warn: [440, 440], bad: [220] }[tone] || [440];
    notes.forEach((hertz, n) => {
      const voice = sound.createOscillator(), loud = sound.createGain();
      voice.frequency.value = hertz; voice.connect(loud); loud.connect(sound.destination);
      loud.gain.setValueAtTime(0.2, at + n * 0.18); loud.gain.exponentialRampToValueAtTime(0.001, at + n * 0.18 + 0.15);
      voice.start(at + n * 0.18); voice.stop(at + n * 0.18 + 0.16);
    });
  };
  const show = (button, name) => button.setAttribute("aria-pressed", String(kept(name)));

  window.cn = window.cn || {};
  cn.scan = {
    toggle(button) { root = button.closest(".cn-scan"); stream ? stop() : start(); },
    flip(button) { root = button.closest(".cn-scan"); facing = facing === "environment" ? "user" : "environment"; stop(); start(); },
    wish(button, name) {
      keep(name, !kept(name)); show(button, name);
      if (kept(name)) name === "sound" ? beep("good") : navigator.vibrate?.(60);
    },
    told(tone) {
      const all = document.querySelector(".cn-scan");
      if (all) { all.dataset.told = tone; setTimeout(() => { delete all.dataset.told; }, 1200); }
      if (kept("sound")) beep(tone);
      if (kept("vibration")) navigator.vibrate?.(tone === "good" ? 60 : [120, 80, 120]);
    },
    ready(el) { el.querySelectorAll("[data-wish]").forEach((button) => show(button, button.dataset.wish)); },
  };
  document.addEventListener("visibilitychange", () => { if (document.hidden && stream) stop(); });
})();
