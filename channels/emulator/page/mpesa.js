// The M-Pesa prompt that a push puts on a phone. It slides in above the composer: what was written stays readable, and people may go on chatting.
import { get, post } from "./api.js";
import { h, toast } from "./dom.js";
import { field, form as formOf, openSheet } from "./sheet.js";

const ENDS = { 1: "not enough money", 1032: "cancelled", 1037: "ran out", 2001: "wrong PIN" };
const kes = (amount) => `KES ${amount.toLocaleString("en")}`;

// Lipa na M-Pesa from the phone's own menu: no push asked for it.
export async function payByHand(phone) {
  const path = `users/${phone.user.wa_id}/mpesa`;
  const [{ businesses }, wallet] = await Promise.all([get("mpesa"), get(path)]);
  const fields = [
    field("Paybill or till", "shortcode", businesses[0]?.shortcode || "", { required: true, inputmode: "numeric", autocomplete: "off", "data-testid": "paybill-shortcode" }),
    field("Account", "account", "", { autocomplete: "off", autofocus: true, "data-testid": "paybill-account", hint: "What people type: a ticket, an invoice, a name" }),
    field("Amount in KES", "amount", "", { required: true, type: "number", min: "1", step: "1", "data-testid": "paybill-amount", hint: `${kes(wallet.balance)} on this phone` }),
    field("PIN", "pin", "", { required: true, type: "password", inputmode: "numeric", autocomplete: "off", "data-testid": "paybill-pin" }),
  ];
  openSheet("Pay by M-Pesa", (close) => [
    formOf(fields, "Pay", ({ amount, ...rest }) =>
      phone.trying(async () => {
        await post(`${path}/paybill`, { ...rest, amount: Number(amount) });
        close();
      }),
    ),
  ]);
}

export class Prompts {
  constructor(phone) {
    this.phone = phone;
    this.shown = new Map(); // checkout id -> element
    this.ended = new Set();
    this.element = h("div", { class: "prompts", role: "status", "aria-live": "assertive" });
  }

  // What the stream told while the answer was on its way is newer: a prompt that has ended does not come back.
  async load() {
    const { prompts } = await get(`mpesa/prompts?wa_id=${this.phone.user.wa_id}`);
    const live = new Set(prompts.map((push) => push.checkout_id));
    for (const id of [...this.shown.keys()]) if (!live.has(id)) this.remove(id);
    prompts.forEach((push) => this.show(push));
  }

  hear(push) {
    if (push.state === "prompted") return push.shown && this.show(push);
    this.ended.add(push.checkout_id);
    if (!this.shown.has(push.checkout_id) && !push.receipt) return undefined;
    this.remove(push.checkout_id);
    const end = push.receipt ? `paid, receipt ${push.receipt}` : ENDS[push.result_code] || push.result_desc;
    return toast(`${this.phone.user.name}: ${kes(push.amount)} to ${push.business}: ${end}`);
  }

  show(push) {
    if (this.shown.has(push.checkout_id) || this.ended.has(push.checkout_id)) return;
    const act = (what, body = {}) => this.phone.trying(() => post(`users/${this.phone.user.wa_id}/mpesa/${what}`, { checkout_id: push.checkout_id, ...body }));
    const pin = h("input", { type: "password", inputmode: "numeric", autocomplete: "off", required: true, maxlength: "6", "aria-label": "M-Pesa PIN", placeholder: "PIN", "data-testid": "mpesa-pin" });
    const form = h(
      "form",
      { class: "prompt", role: "group", "aria-label": `M-Pesa: pay ${kes(push.amount)} to ${push.business}?`, "data-testid": "mpesa-prompt" },
      h("strong", {}, `Pay ${kes(push.amount)} to ${push.business}?`),
      h("small", { class: "muted" }, `Account ${push.reference}`),
      pin,
      h(
        "div",
        { class: "prompt-actions" },
        h("button", { type: "submit", class: "button primary small", "data-testid": "mpesa-pay" }, "Pay"),
        h("button", { type: "button", class: "button small", "data-testid": "mpesa-cancel", onclick: () => act("cancel") }, "Cancel"),
        h("button", { type: "button", class: "button small quiet", "data-testid": "mpesa-ignore", title: "The time of the prompt is up at once", onclick: () => act("ignore") }, "Ignore"),
      ),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      act("pay", { pin: pin.value });
    });
    form.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      act("cancel");
    });
    this.shown.set(push.checkout_id, form);
    this.element.append(form);
    this.phone.toEnd();
    if (this.isIdle()) pin.focus();
  }

  // Who is writing, here or on another phone, must not find the rest of the sentence in the PIN.
  isIdle() {
    const active = document.activeElement, draft = this.phone.composer.input;
    return active === document.body || (active === draft && !draft.value);
  }

  remove(id) {
    const form = this.shown.get(id);
    if (!form) return;
    const focused = form.contains(document.activeElement);
    form.remove();
    this.shown.delete(id);
    if (focused) this.phone.composer.input.focus();
  }
}
