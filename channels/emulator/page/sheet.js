// Sheets: dialogs that slide over the phone. Escape closes, arrows walk through rows, focus returns where it was.
import { h, icon } from "./dom.js";

export function openSheet(title, content, { flush = false, kind = "" } = {}) {
  const before = document.activeElement;
  const body = h("div", { class: flush ? "sheet-body flush" : "sheet-body" });
  const dialog = h(
    "dialog",
    { class: `sheet ${kind}`, "aria-label": title },
    h(
      "div",
      { class: "sheet-head" },
      h("h2", {}, title),
      h("button", { type: "button", class: "icon-button", "aria-label": "Close", onclick: () => dialog.close() }, icon("close")),
    ),
    body,
  );
  const close = () => dialog.close();
  body.append(...[content(close)].flat());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  dialog.addEventListener("keydown", (event) => walk(event, body));
  dialog.addEventListener("close", () => {
    dialog.remove();
    if (before && before.isConnected) before.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  (body.querySelector("[autofocus], .row, input, textarea, button") || dialog).focus();
  return dialog;
}

function walk(event, body) {
  if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
  const rows = [...body.querySelectorAll(".row")];
  if (!rows.length || event.target.matches("input, textarea")) return;
  event.preventDefault();
  const at = rows.indexOf(document.activeElement);
  rows[(at + (event.key === "ArrowDown" ? 1 : -1) + rows.length) % rows.length].focus();
}

export function field(label, name, value = "", props = {}) {
  const tag = props.area ? "textarea" : "input";
  const control = h(tag, { name, ...props, area: undefined, hint: undefined });
  control.value = value;
  return h("label", { class: "field" }, label, control, props.hint ? h("small", {}, props.hint) : null);
}

export function form(fields, action, onsubmit) {
  const element = h("form", { class: "sheet-form", style: "display:grid;gap:12px" }, ...fields, h("button", { class: "button primary", type: "submit" }, action));
  element.addEventListener("submit", (event) => {
    event.preventDefault();
    onsubmit(Object.fromEntries(new FormData(element)));
  });
  return element;
}

export function switchRow(label, hint, checked, testid, onchange) {
  const input = h("input", { type: "checkbox", role: "switch", "data-testid": testid });
  input.checked = checked;
  input.addEventListener("change", () => onchange(input.checked));
  return h("label", { class: "switch" }, h("span", {}, label, h("small", {}, hint)), input);
}
