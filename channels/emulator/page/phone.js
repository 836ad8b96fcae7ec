// One person's phone: which organization they chat with, the messages, what they do.
import { get, patch, post } from "./api.js";
import { bubbleOf } from "./bubbles.js";
import { askContact, askForm, askLocation, askReaction, composerOf } from "./composer.js";
import { avatar, h, icon, toast } from "./dom.js";
import { dayOf, phoneNumber, remaining } from "./format.js";
import { payByHand, Prompts } from "./mpesa.js";
import { openSheet, switchRow } from "./sheet.js";

const RANK = ["pending", "accepted", "held", "sent", "delivered", "read", "failed"];
const KEPT = 400; // messages drawn; older ones are in the ledger

// The stream may be quicker than an answer: a status never goes back.
function latest(known, message) {
  if (!known || RANK.indexOf(known.status) <= RANK.indexOf(message.status)) return message;
  return { ...message, status: known.status, visible_at: known.visible_at, error: known.error };
}

export class Phone {
  constructor(user, lab) {
    this.user = user;
    this.lab = lab;
    this.number = lab.numbers[0] ? lab.numbers[0].phone_number_id : null;
    this.messages = new Map();
    this.reply = null;
    this.typingTimer = 0;
    this.build();
  }

  build() {
    const id = `phone-${this.user.wa_id}`;
    this.select = h("select", { "aria-label": `Organization that ${this.user.name} chats with`, "data-testid": "number-select" });
    this.select.addEventListener("change", () => this.choose(this.select.value));
    this.sub = h("div", { class: "sub", "data-testid": "chat-state" });
    this.face = h("span", {});
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": "Messages", tabindex: "0", "data-testid": "chat-log" });
    // Load events do not bubble, but they are captured: a picture that grows must not hide the end of the chat.
    this.log.addEventListener("load", () => this.nearEnd(420) && this.toEnd(), true);
    this.log.addEventListener("keydown", (event) => this.walk(event));
    this.composer = composerOf(this);
    this.prompts = new Prompts(this);
    this.offline = h("div", { class: "offline", role: "status", hidden: true }, "This phone is offline: messages wait until it is back");
    this.ownerLine = h("div", { class: "owner" });
    this.element = h(
      "section",
      { class: "phone", id, "data-testid": "phone", "data-wa-id": this.user.wa_id, role: "tabpanel", "aria-label": `${this.user.name}'s phone` },
      this.ownerLine,
      h("div", { class: "phone-head" }, this.face, h("div", { class: "who" }, this.select, this.sub)),
      this.offline,
      this.log,
      this.prompts.element,
      this.composer.element,
    );
    this.drawOwner();
    this.drawNumbers();
  }

  drawOwner() {
    this.ownerLine.replaceChildren(
      avatar(this.user.name),
      h("strong", {}, this.user.name),
      h("span", { class: "muted" }, this.user.hide_phone ? "phone hidden from businesses" : phoneNumber(this.user.wa_id)),
      h("button", { type: "button", class: "icon-button", "data-testid": "phone-menu", "aria-label": `Settings of ${this.user.name}'s phone`, "aria-haspopup": "dialog", onclick: () => this.menu() }, icon("more")),
    );
    this.offline.hidden = this.user.online;
  }

  drawNumbers() {
    this.select.replaceChildren(...this.lab.numbers.map((number) => h("option", { value: number.phone_number_id }, number.name)));
    if (this.number) this.select.value = this.number;
    this.face.replaceChildren(avatar(this.businessName(), true));
  }

  businessName() {
    const number = this.lab.numbers.find((one) => one.phone_number_id === this.number);
    return number ? number.name : "Business";
  }

  async choose(number) {
    this.number = number;
    this.drawNumbers();
    this.replyTo(null);
    await this.load();
    this.lab.remember();
  }

  async load() {
    if (!this.number) return;
    const found = await get(`users/${this.user.wa_id}/messages?phone_number_id=${this.number}&limit=${KEPT}`);
    // What the stream told while the answer was on its way is newer than the answer.
    const newer = [...this.messages.values()].filter((one) => one.seq > found.last_seq && one.phone_number_id === this.number);
    const before = this.messages;
    this.messages = new Map([...found.messages, ...newer].map((message) => [message.id, latest(before.get(message.id), message)]));
    this.draw();
    await this.prompts.load();
    this.lab.seen(this);
  }

  draw() {
    const nodes = [];
    let day = "";
    for (const message of this.inOrder()) {
      const date = dayOf(message.timestamp);
      if (date !== day) nodes.push(h("div", { class: "day" }, (day = date)));
      nodes.push(bubbleOf(message, this));
    }
    this.log.replaceChildren(...(nodes.length ? nodes : [this.emptyState()]));
    this.toEnd();
    this.drawState();
  }

  emptyState() {
    return h("div", { class: "empty" }, h("h3", {}, "Say hello"), h("p", {}, `Nothing was written between ${this.user.name} and ${this.businessName()} yet.`), h("button", { type: "button", class: "button small", "data-testid": "say-hi", onclick: () => this.send({ text: "hi" }) }, "Send “hi”"));
  }

  inOrder() {
    const shown = [...this.messages.values()].filter((m) => m.type !== "reaction" && (m.direction === "in" || m.visible_at || m.status === "failed"));
    return shown.sort((a, b) => a.seq - b.seq);
  }

  find(id) {
    return this.messages.get(id);
  }

  receive(message) {
    if (message.wa_id !== this.user.wa_id || message.phone_number_id !== this.number) return false;
    if (message.type === "reaction") {
      const target = this.messages.get(message.content.message_id);
      if (target) {
        target.reactions = { ...target.reactions, [message.direction]: message.content.emoji || "" };
        this.redraw(target);
      }
      return true;
    }
    const known = this.messages.get(message.id);
    this.messages.set(message.id, latest(known, { reactions: {}, ...known, ...message }));
    if (message.direction === "out") this.typing(0);
    this.place(this.messages.get(message.id));
    return true;
  }

  update(change) {
    const message = this.messages.get(change.id);
    if (!message) return;
    Object.assign(message, change);
    this.place(message);
  }

  place(message) {
    if (message.direction === "out" && !message.visible_at && message.status !== "failed") return;
    const atEnd = this.nearEnd(120);
    const known = this.nodeOf(message.id);
    if (known) {
      this.redraw(message);
    } else {
      const order = this.inOrder();
      const position = order.findIndex((one) => one.id === message.id);
      const previous = order[position - 1];
      const next = order.slice(position + 1).map((one) => this.nodeOf(one.id)).find(Boolean);
      this.log.querySelector(".empty")?.remove();
      const node = bubbleOf(message, this);
      node.classList.add("new");
      const nodes = !previous || dayOf(previous.timestamp) !== dayOf(message.timestamp) ? [h("div", { class: "day" }, dayOf(message.timestamp)), node] : [node];
      for (const one of nodes) this.log.insertBefore(one, next || this.dots || null);
    }
    if (atEnd) this.toEnd();
    this.drawState();
  }

  redraw(message) {
    const node = this.nodeOf(message.id);
    if (!node) return;
    const fresh = bubbleOf(message, this);
    const picture = node.querySelector(".bubble img, .bubble audio, .bubble video");
    if (picture && fresh.querySelector(`[src="${picture.getAttribute("src")}"]`)) {
      // Keep the element: a new one would flicker or stop playing.
      const old = fresh.querySelector(picture.tagName);
      old.replaceWith(picture);
    }
    const controls = (bubble) => [...bubble.querySelectorAll("button, a[href], summary, audio, video, [tabindex]")];
    const active = document.activeElement, focused = node.contains(active), at = controls(node).indexOf(active);
    node.replaceWith(fresh);
    if (!focused) return;
    // A tick or a reaction came: who stood on a button of this message stands on it still.
    const same = controls(fresh)[at];
    (same && same.tagName === active.tagName && same.dataset.testid === active.dataset.testid ? same : fresh).focus();
  }

  nodeOf(id) {
    return this.log.querySelector(`[data-id="${CSS.escape(id)}"]`);
  }

  typing(seconds) {
    clearTimeout(this.typingTimer);
    this.dots?.remove();
    this.dots = null;
    if (seconds > 0) {
      this.dots = h("div", { class: "dots", "data-testid": "typing", role: "img", "aria-label": "typing" }, h("i"), h("i"), h("i"));
      this.log.append(this.dots);
      this.toEnd();
      this.typingTimer = setTimeout(() => this.typing(0), seconds * 1000);
    }
    this.drawState();
  }

  drawState() {
    const last = [...this.messages.values()].filter((m) => m.direction === "in").reduce((latest, m) => Math.max(latest, m.timestamp), 0);
    const left = last + this.lab.windowS - this.lab.now();
    this.sub.className = "sub";
    if (this.dots) {
      this.sub.textContent = "typing…";
      this.sub.classList.add("is-typing");
    } else if (!last) {
      this.sub.textContent = "no message yet: the business may only send templates";
    } else if (left <= 0) {
      this.sub.textContent = "24-hour window closed: templates only";
      this.sub.classList.add("is-closed");
    } else {
      this.sub.textContent = `window open, ${remaining(left)} left`;
    }
  }

  nearEnd(pixels) {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < pixels;
  }

  toEnd() {
    this.log.scrollTop = this.log.scrollHeight;
  }

  async trying(action) {
    try {
      return await action();
    } catch (error) {
      toast(error.message);
    }
    return undefined;
  }

  send(what) {
    const body = { phone_number_id: this.number, ...what };
    if (this.reply) body.reply_to = this.reply.id;
    this.replyTo(null);
    return this.trying(async () => {
      this.receive(await post(`users/${this.user.wa_id}/send`, body));
      this.toEnd();
    });
  }

  takeDraft() {
    const text = this.composer.input.value.trim();
    this.composer.input.value = "";
    return text || null;
  }

  tap(message, option, index) {
    if (option.kind === "location") return askLocation(this, message.id);
    if (option.kind === "contact") return askContact(this, message.id);
    if (option.kind === "flow") return askForm(this, message, option);
    if (option.kind === "copy") return navigator.clipboard?.writeText(option.id).then(() => toast(`Copied ${option.id}`));
    if (option.kind === "phone") return toast(`The phone would call ${option.id}`);
    return this.send({ tap: index, message_id: message.id });
  }

  replyTo(message) {
    this.reply = message;
    this.composer.showReply(message);
  }

  react(message) {
    askReaction(this, message);
  }

  show(id) {
    const node = this.nodeOf(id);
    if (!node) return;
    node.scrollIntoView({ block: "center" });
    node.focus();
  }

  focusLast() {
    const all = this.log.querySelectorAll(".message, .note");
    if (all.length) all[all.length - 1].focus();
  }

  walk(event) {
    const keys = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity };
    if (!(event.key in keys) || event.target.matches("audio, video")) return;
    const all = [...this.log.querySelectorAll(".message, .note")];
    if (!all.length) return;
    event.preventDefault();
    const at = all.indexOf(event.target.closest(".message, .note"));
    const to = at < 0 ? all.length - 1 : Math.min(Math.max(at + keys[event.key], 0), all.length);
    if (to === all.length && event.key === "ArrowDown") this.composer.input.focus();
    else all[Math.min(to, all.length - 1)].focus();
  }

  menu() {
    const save = (change) => this.trying(async () => this.changed(await patch(`users/${this.user.wa_id}`, change)));
    const stopped = this.user.opted_out.includes(this.number);
    openSheet(`${this.user.name}'s phone`, (close) => [
      switchRow("Hide the phone number", "Businesses see only a business-scoped id", this.user.hide_phone, "hide-phone", (on) => save({ hide_phone: on })),
      switchRow("Online", "Off: messages are sent, not delivered", this.user.online, "online", (on) => save({ online: on })),
      switchRow("Read receipts", "Off: messages stay delivered", this.user.auto_read !== false, "auto-read", (on) => save({ auto_read: on })),
      switchRow("Stop marketing", `Refuse marketing from ${this.businessName()}`, stopped, "stop-marketing", (on) =>
        this.trying(async () => {
          await post(`users/${this.user.wa_id}/marketing`, { phone_number_id: this.number, stop: on });
          this.user.opted_out = on ? [...this.user.opted_out, this.number] : this.user.opted_out.filter((one) => one !== this.number);
        }),
      ),
      h("button", { type: "button", class: "button", "data-testid": "paybill", onclick: () => (close(), this.trying(() => payByHand(this))) }, "Pay by M-Pesa…"),
      h("button", { type: "button", class: "button", "data-testid": "phone-close", onclick: () => (close(), this.lab.close(this)) }, "Put this phone away"),
    ]);
  }

  changed(user) {
    this.user = { ...this.user, ...user };
    this.drawOwner();
  }
}
