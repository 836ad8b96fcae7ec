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
  window.cn = {
    theme(name) {
      document.cookie = `cn_theme=${name}; path=/; max-age=31536000; samesite=lax`;
      paint();
      window.emitEvent?.("cn_theme", html.dataset.theme === "dark");
    },
    // CodeMirror's field has no name of its own.
    async editor(id, label) {
      const el = window.getElement?.(id);
      await el?.editorPromise;
      const text = el?.$el.querySelector(".cm-content");
      text?.setAttribute("aria-label", label);
      text?.setAttribute("tabindex", "0");
    },
    locale(name) {
      document.cookie = `cn_locale=${name}; path=/; max-age=31536000; samesite=lax`;
      location.reload();
    },
    toggleMenu: () => menu(!html.classList.contains("cn-menu")),
    closeMenu: () => menu(false),
    copy: (text) => navigator.clipboard.writeText(text),
    palette: () => document.getElementById("cn-palette-open")?.click(),
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
