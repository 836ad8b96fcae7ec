// The wire pane: every webhook and every API call, as bytes and answers.
import { get } from "./api.js";
import { h, icon } from "./dom.js";
import { pretty } from "./format.js";

const KEPT = 300;
const FILTERS = [["all", "All"], ["webhook", "Webhooks"], ["api", "API calls"], ["trouble", "Trouble"]];

export class Wire {
  constructor(element, toggle) {
    this.element = element;
    this.toggle = toggle;
    this.filter = "all";
    this.entries = [];
    this.list = h("div", { class: "entries", "data-testid": "wire-entries", tabindex: "-1" });
    this.buttons = FILTERS.map(([name, label]) => h("button", { type: "button", class: "button", "aria-pressed": String(name === "all"), "data-filter": name, onclick: () => this.choose(name) }, label));
    element.append(
      h(
        "div",
        { class: "wire-head" },
        h("h2", {}, "Wire"),
        h("button", { type: "button", class: "icon-button", "aria-label": "Clear the list", onclick: () => this.clear() }, icon("trash")),
        h("button", { type: "button", class: "icon-button", "aria-label": "Close the wire pane", onclick: () => this.show(false) }, icon("close")),
      ),
      h("div", { class: "filters", role: "group", "aria-label": "Show" }, this.buttons),
      this.list,
    );
    toggle.addEventListener("click", () => this.show(element.hidden));
    element.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.show(false);
      if (event.key === "ArrowDown" || event.key === "ArrowUp") this.walk(event);
    });
    this.draw();
  }

  show(open) {
    this.element.hidden = !open;
    this.toggle.setAttribute("aria-expanded", String(open));
    if (!open) this.toggle.focus();
    try {
      localStorage.setItem("emulator.wire", open ? "1" : "");
    } catch {
      // Private windows keep nothing; the pane still works.
    }
  }

  async load() {
    this.entries = (await get(`wire?limit=${KEPT}`)).reverse();
    this.draw();
  }

  add(entry) {
    this.entries.unshift(entry);
    if (this.entries.length > KEPT) {
      this.entries.pop();
      this.list.lastElementChild?.remove();
    }
    if (!this.matches(entry)) return;
    this.list.querySelector(".wire-empty")?.remove();
    this.list.prepend(this.row(entry));
  }

  clear() {
    this.entries = [];
    this.draw();
  }

  choose(name) {
    this.filter = name;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.dataset.filter === name));
    this.draw();
  }

  matches(entry) {
    if (this.filter === "all") return true;
    if (this.filter === "trouble") return entry.code !== 200 || entry.marks.length > 0;
    return entry.direction === this.filter;
  }

  draw() {
    const rows = this.entries.filter((entry) => this.matches(entry)).map((entry) => this.row(entry));
    this.list.replaceChildren(...(rows.length ? rows : [h("p", { class: "wire-empty" }, "Webhooks to the bot and its API calls appear here, newest first.")]));
  }

  row(entry) {
    const webhook = entry.direction === "webhook";
    const details = h(
      "details",
      { class: `entry ${entry.direction}`, "data-testid": "wire-entry", "data-direction": entry.direction },
      h(
        "summary",
        {},
        h("span", { class: "arrow", role: "img", "aria-label": webhook ? "to the bot" : "from the bot" }, webhook ? "→" : "←"),
        h("span", { class: "what" }, h("b", {}, titleOf(entry)), h("small", {}, `${entry.method} ${pathOf(entry.url)}${entry.attempt > 1 ? ` · try ${entry.attempt}` : ""}`)),
        h("span", { class: "ms" }, `${Math.round(entry.latency_ms)} ms`),
        h("span", { class: entry.code === 200 ? "code" : "code bad" }, entry.code || "none"),
      ),
      entry.marks.length ? h("div", { class: "marks" }, entry.marks.map((mark) => h("span", { class: "mark" }, mark.replaceAll("_", " ")))) : null,
    );
    details.addEventListener("toggle", () => details.open && details.children.length < 4 && !details.querySelector(".entry-body") && details.append(bodyOf(entry)));
    return details;
  }

  walk(event) {
    const rows = [...this.list.querySelectorAll("summary")];
    const at = rows.indexOf(document.activeElement);
    if (at < 0) return;
    event.preventDefault();
    rows[Math.min(Math.max(at + (event.key === "ArrowDown" ? 1 : -1), 0), rows.length - 1)].focus();
  }
}

function pathOf(url) {
  try {
    return new URL(url, location.href).pathname;
  } catch {
    return url;
  }
}

function titleOf(entry) {
  let body;
  try {
    body = JSON.parse(entry.body);
  } catch {
    return entry.direction === "webhook" ? "webhook" : pathOf(entry.url).split("/").slice(-1)[0];
  }
  if (entry.direction === "api") {
    if (body.status === "read") return body.typing_indicator ? "mark read, typing" : "mark read";
    const kind = body.type === "interactive" ? (body.interactive || {}).type : body.type;
    return kind ? `send ${kind}` : pathOf(entry.url).split("/").slice(-1)[0];
  }
  const parts = (body.entry || []).flatMap((one) => one.changes || []).flatMap(({ field, value }) => {
    const messages = (value.messages || []).map((message) => message.type);
    const statuses = (value.statuses || []).map((status) => status.status);
    return messages.length || statuses.length ? [...messages, ...statuses] : [field];
  });
  return parts.length > 4 ? `${parts.length} updates` : parts.join(", ");
}

function bodyOf(entry) {
  const headers = Object.entries(entry.headers).map(([name, value]) => `${name}: ${value}`).join("\n");
  const cut = entry.size > entry.body.length ? ` (first ${entry.body.length} of ${entry.size} bytes)` : ` · ${entry.size} bytes`;
  return h(
    "div",
    { class: "entry-body" },
    h("h3", {}, "Headers"),
    h("pre", { tabindex: "0" }, headers),
    h("h3", {}, `Body${cut}`),
    h("pre", { tabindex: "0" }, pretty(entry.body) || "—"),
    h("h3", {}, `Answer ${entry.code || "none"}`),
    h("pre", { tabindex: "0" }, pretty(entry.answer) || "—"),
  );
}
