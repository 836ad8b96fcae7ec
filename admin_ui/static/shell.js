// What the shell does without asking the server: theme, sidebar, keys. In the head, so that no page flashes in the wrong theme.
(() => {
  const html = document.documentElement;
  const cookie = (name) => (document.cookie.match(new RegExp(`(?:^|; )${name}=([^;]*)`)) || [])[1];
  const system = matchMedia("(prefers-color-scheme: dark)");
  const paint = () => {
    const wanted = cookie("cn_theme") || "auto";
    const dark = wanted === "dark" || (wanted === "auto" && system.matches);
    html.dataset.theme = dark ? "dark" : "light";
    html.dataset.themeWanted = wanted;
    document.cookie = `cn_shown=${dark ? "dark" : "light"}; path=/; max-age=31536000; samesite=lax`;
    if (window.Quasar) Quasar.Dark.set(dark);
  };
  paint();
  system.addEventListener("change", paint);
  addEventListener("load", paint);
  const menu = (open) => {
    html.classList.toggle("cn-menu", open);
    document.querySelector(".cn-menu-open")?.setAttribute("aria-expanded", String(open));
    if (open) document.querySelector(".cn-sidebar a")?.focus();
  };
  const write = (key, value) => { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* full or forbidden */ } };
  const read = (key) => { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } };
  const forget = (key) => { try { localStorage.removeItem(key); } catch { /* nothing to forget */ } };
  const connected = async () => { while (!window.socket?.connected || !window.did_handshake) await new Promise((done) => setTimeout(done, 100)); };
  const KEPT_MS = 7 * 24 * 3600 * 1000;
  // Fields with `data-keep`: their text lives in this browser until it was saved (`forget_kept` of the kit).
  addEventListener("input", (e) => {
    const key = e.target.dataset?.keep;
    if (key) e.target.value ? write(`cn-keep:${key}`, { text: e.target.value, at: Date.now() }) : forget(`cn-keep:${key}`);
  }, true);
  const bringBack = async (field) => {
    field.dataset.seen = "1";
    const key = `cn-keep:${field.dataset.keep}`, found = read(key);
    if (!found || Date.now() - found.at > KEPT_MS) return forget(key);
    await connected();
    if (found.text === field.value) return;
    field.value = found.text;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  };
  // Quasar gives the field of an uploader neither a name nor a place for the keyboard.
  const nameUploader = (box) => {
    const field = box.querySelector("input[type=file]"), button = field?.closest("a, button");
    if (!field) return;
    field.setAttribute("aria-label", box.querySelector(".q-uploader__title")?.textContent || "");
    field.setAttribute("tabindex", "0");
    button?.removeAttribute("role");
    button?.setAttribute("tabindex", "-1");
  };
  new MutationObserver(() => {
    document.querySelectorAll("[data-keep]:not([data-seen])").forEach(bringBack);
    document.querySelectorAll(".q-uploader").forEach((box) => { if (box.querySelector("input[type=file]:not([aria-label])")) nameUploader(box); });
  }).observe(html, { childList: true, subtree: true });
  let isOpening = false;
  window.cn = {
    theme(name) {
      document.cookie = `cn_theme=${name}; path=/; max-age=31536000; samesite=lax`;
      paint();
      window.emitEvent?.("cn_theme", html.dataset.theme === "dark");
    },
    // CodeMirror's field has no name of its own.
    // What is typed is kept here until the server has it too: it comes back after a lost socket, unless somebody else wrote meanwhile.
    async editor(id, label, kept) {
      const el = window.getElement?.(id);
      await el?.editorPromise;
      const text = el?.$el.querySelector(".cm-content");
      if (!text) return;
      text.setAttribute("aria-label", label);
      text.setAttribute("tabindex", "0");
      const key = `cn-keep:edit:${kept.key}`, skew = Date.now() - kept.now, doc = () => el.editor.state.doc.toString();
      const base = doc(), found = read(key);
      if (found && found.text !== base && (found.base === base || (kept.mine && found.at > kept.saved))) {
        await connected();
        el.editor.dispatch({ changes: { from: 0, to: base.length, insert: found.text } });
      } else forget(key);
      text.addEventListener("input", () => setTimeout(() => write(key, { text: doc(), base, at: Date.now() - skew }), 0));
    },
    forget: (key) => forget(`cn-keep:${key}`),
    locale(name) {
      document.cookie = `cn_locale=${name}; path=/; max-age=31536000; samesite=lax`;
      location.reload();
    },
    toggleMenu: () => menu(!html.classList.contains("cn-menu")),
    closeMenu: () => menu(false),
    copy: (text) => navigator.clipboard.writeText(text),
    // Who is quicker than the page is not forgotten: pressed as soon as the page listens, once.
    async palette() {
      if (isOpening) return;
      isOpening = true;
      await connected();
      isOpening = false;
      document.getElementById("cn-palette-open")?.click();
    },
  };
  // Who types fast and presses Enter means what she typed, not what is still shown.
  const openFirst = (palette) => {
    const input = palette.querySelector("input"), results = palette.querySelector(".cn-results");
    const isCurrent = () => (results.dataset.for || "") === input.value.trim();
    const open = () => palette.querySelector(".cn-result")?.click();
    if (isCurrent()) return open();
    const watch = new MutationObserver(() => { if (isCurrent()) { watch.disconnect(); open(); } });
    watch.observe(results, { attributes: true, childList: true });
  };
  const writing = (e) => e.target.closest?.("input, textarea, select, [contenteditable], .cm-editor");
  addEventListener("keydown", (e) => {
    if ((e.ctrlKey || e.metaKey) && e.key.toLowerCase() === "k") { e.preventDefault(); cn.palette(); }
    else if (e.key === "/" && !writing(e) && !e.ctrlKey && !e.metaKey) { e.preventDefault(); cn.palette(); }
    else if (e.key === "Escape" && html.classList.contains("cn-menu")) menu(false);
    const palette = document.querySelector(".cn-palette");
    if (!palette || !palette.offsetParent) return;
    const results = [...palette.querySelectorAll(".cn-result")];
    const at = results.indexOf(document.activeElement);
    if (e.key === "ArrowDown") { e.preventDefault(); results[Math.min(at + 1, results.length - 1)]?.focus(); }
    if (e.key === "ArrowUp") { e.preventDefault(); at > 0 ? results[at - 1].focus() : palette.querySelector("input")?.focus(); }
    if (e.key === "Enter" && at < 0) openFirst(palette);
  });
})();
