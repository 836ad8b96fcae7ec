// What the inbox does in the browser: drafts, keys, one pane at a time on a phone, the countdown. Nothing typed is ever lost by the server.
(() => {
  const root = () => document.querySelector(".ib");
  const scroller = () => document.querySelector(".ib-scroll");
  const area = () => document.querySelector(".ib-compose textarea");
  const draftKey = (el) => { const id = el?.closest(".ib-compose")?.dataset.conversation; return id ? `cn-draft:${id}` : null; };
  const store = (key, text) => { try { text ? localStorage.setItem(key, text) : localStorage.removeItem(key); } catch { /* full or forbidden: the field still has it */ } };
  const stored = (key) => { try { return localStorage.getItem(key) || ""; } catch { return ""; } };
  const put = (text) => {
    const el = area();
    if (!el) return;
    el.value = text;
    el.dispatchEvent(new Event("input", { bubbles: true }));
    store(draftKey(el), text);
  };
  const uuid = () => crypto.randomUUID ? crypto.randomUUID() : Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
  const nearBottom = (el) => el.scrollHeight - el.scrollTop - el.clientHeight < 160;
  let stick = true, keep = null;
  const toBottom = () => { const el = scroller(); if (el) { el.scrollTop = el.scrollHeight; stick = true; } };
  const soon = (fn) => { requestAnimationFrame(() => setTimeout(fn, 30)); };

  window.cn = window.cn || {};
  cn.inbox = {
    pane(name) { const el = root(); if (el) el.dataset.pane = name; },
    togglePerson() {
      const el = root();
      if (matchMedia("(max-width: 900px)").matches) el.dataset.pane = el.dataset.pane === "person" ? "thread" : "person";
      else el.classList.toggle("with-person");
    },
    chosen(row) {
      document.querySelectorAll(".ib-row[aria-current]").forEach((each) => each.removeAttribute("aria-current"));
      row.setAttribute("aria-current", "true");
      cn.inbox.pane("thread");
    },
    opened(id) {
      history.replaceState(null, "", id ? `/inbox?c=${id}` : "/inbox");
      cn.inbox.pane(id ? "thread" : "list");
      soon(toBottom); setTimeout(toBottom, 250);
    },
    follow() { if (stick) soon(toBottom); },
    keepPlace() { const el = scroller(); keep = el ? el.scrollHeight - el.scrollTop : null; },
    write() { soon(() => area()?.focus()); },
    put(text) { soon(() => { put(text); area()?.focus(); }); },
    // Takes the text out of the field, and keeps it until the server says that it went.
    take(el) {
      const text = (el?.value || "").trim();
      if (!text) return null;
      const key = uuid();
      if (text.startsWith("/")) return { text, key };
      const draft = draftKey(el);
      store(`cn-sending:${key}`, JSON.stringify({ draft, text, at: Date.now() }));
      put("");
      stick = true;
      return { text, key };
    },
    gone(key) { try { localStorage.removeItem(`cn-sending:${key}`); } catch { /* nothing to forget */ } },
    failed(text) { const el = area(); forget(text); put(el && el.value ? `${text}\n${el.value}` : text); el?.focus(); },
    restore() { soon(() => restore(area())); },
  };
  const each = (fn) => { try { Object.keys(localStorage).filter((k) => k.startsWith("cn-sending:")).forEach((k) => fn(k, JSON.parse(localStorage.getItem(k)))); } catch { /* no store */ } };
  const forget = (text) => each((k, it) => { if (it.text === text) localStorage.removeItem(k); });
  // What was on its way when the page went down, older than a moment: it comes back as a draft.
  const unsentOf = (draft) => { let found = ""; each((k, it) => { if (it.draft === draft && Date.now() - it.at > 1500) { found = it.text; localStorage.removeItem(k); } }); return found; };

  const restore = (el) => {
    const key = draftKey(el);
    if (!key || el.value) return;
    const text = unsentOf(key) || stored(key);
    if (text) put(text);
  };

  addEventListener("input", (e) => { if (e.target.matches?.(".ib-compose textarea")) store(draftKey(e.target), e.target.value); }, true);
  addEventListener("scroll", (e) => { if (e.target.classList?.contains("ib-scroll")) stick = nearBottom(e.target); }, true);
  new MutationObserver(() => {
    // A field drawn anew is empty, whenever it comes: the server's word to restore may have come before it.
    const field = area();
    if (field && !field.dataset.seen && draftKey(field)) { field.dataset.seen = "1"; restore(field); }
    const el = scroller();
    if (el && keep !== null) { el.scrollTop = el.scrollHeight - keep; setTimeout(() => { keep = null; }, 300); }
  }).observe(document.documentElement, { childList: true, subtree: true });

  const rows = () => [...document.querySelectorAll(".ib-row")];
  const move = (by) => {
    const all = rows(), at = all.findIndex((row) => row.getAttribute("aria-current"));
    const next = all[at < 0 ? 0 : Math.max(0, Math.min(all.length - 1, at + by))];
    if (next) { next.click(); next.scrollIntoView({ block: "nearest" }); }
  };
  addEventListener("keydown", (e) => {
    if (!root() || e.ctrlKey || e.metaKey || e.altKey || e.target.closest?.("input, textarea, select, [contenteditable], [role=dialog]")) return;
    if (e.key === "j") move(1);
    else if (e.key === "k") move(-1);
    else if (e.key === "r") { e.preventDefault(); area()?.focus(); }
    else if (e.key === "e") document.querySelector("[data-key=close]")?.click();
  });

  let before = Date.now();
  setInterval(() => {
    const now = Date.now(), passed = Math.round((now - before) / 1000);
    before = now;
    document.querySelectorAll(".ib-window[data-left]").forEach((el) => {
      const left = Math.max(0, Number(el.dataset.left) - passed);
      el.dataset.left = left;
      el.textContent = left ? el.dataset.words.replace("{h}", Math.floor(left / 3600)).replace("{m}", Math.floor(left % 3600 / 60)) : el.dataset.closed;
      el.classList.toggle("bad", !left); el.classList.toggle("warn", left > 0 && left < 7200);
    });
  }, 15000);
})();
