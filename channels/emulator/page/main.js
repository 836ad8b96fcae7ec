// The lab: which phones are out, the clock, the theme, and the stream that keeps all of it true.
import { get, listen, post } from "./api.js";
import { avatar, h, icon, toast } from "./dom.js";
import { clockTime, duration, phoneNumber } from "./format.js";
import { Phone } from "./phone.js";
import { field, form, openSheet } from "./sheet.js";
import { Wire } from "./wire.js";

const $ = (id) => document.getElementById(id);
const LISTED = 60; // people offered in the dialog; a load test may have made thousands

class Lab {
  constructor() {
    this.numbers = [];
    this.users = new Map();
    this.phones = [];
    this.unread = new Map();
    this.active = null;
    this.windowS = 86400;
    this.offset = 0;
    this.shift = 0;
    this.wire = new Wire($("wire"), $("wire-toggle"));
  }

  now() {
    return Date.now() / 1000 + this.offset;
  }

  async start() {
    // The stream first: what happens between loading and listening would be missed.
    await this.listening();
    await this.refresh();
    const kept = read("emulator.phones", []);
    const wanted = kept.filter((one) => this.users.has(one.wa_id));
    const first = wanted.length ? wanted : [...this.users.keys()].slice(0, 2).map((wa_id) => ({ wa_id }));
    for (const { wa_id, number } of first) await this.open(wa_id, number);
    if (this.phones.length) this.activate(this.phones[0]);
    await this.wire.load();
    if (read("emulator.wire", "") && innerWidth > 1080) this.wire.show(true);
    $("phones").addEventListener("scrollend", () => this.swiped());
    setInterval(() => this.drawClock(), 1000);
    setInterval(() => this.phones.forEach((phone) => phone.drawState()), 20000);
    this.started = true;
    this.connected(true);
  }

  listening() {
    return new Promise((resolve) => {
      listen(
        {
          message: (message) => this.message(message),
          status: (change) => this.phones.forEach((phone) => phone.update(change)),
          typing: ({ phone_number_id, wa_id, for_s }) => this.phones.filter((p) => p.user.wa_id === wa_id && p.number === phone_number_id).forEach((p) => p.typing(for_s)),
          mpesa: (push) => this.phones.filter((p) => p.user.wa_id === push.wa_id).forEach((p) => p.prompts.hear(push)),
          mpesa_paid: ({ phone, amount, shortcode }) => this.tellOwner(phone, `KES ${amount} to ${shortcode}: paid`),
          mpesa_refused: ({ wa_id, amount }) => this.tellOwner(wa_id, `KES ${amount}: the business refused it`),
          wire: (entry) => this.wire.add(entry),
          clock: (clock) => this.clock(clock),
          user: () => this.refresh(),
          number: () => this.refresh(),
          limits: (limits) => (this.windowS = limits.window_s),
          reset: () => this.reload(),
          resync: () => this.reload(),
        },
        (connected) => {
          if (connected) resolve();
          this.connected(connected);
        },
      );
    });
  }

  async refresh() {
    const state = await get("state");
    this.numbers = state.numbers;
    this.users = new Map(state.users.map((user) => [user.wa_id, user]));
    this.windowS = state.limits.window_s;
    this.clock(state.clock);
    for (const phone of [...this.phones]) {
      const user = this.users.get(phone.user.wa_id);
      if (!user) this.close(phone);
      else {
        phone.changed(user);
        phone.drawNumbers();
      }
    }
    this.drawTabs();
  }

  async reload() {
    await this.refresh();
    await Promise.all(this.phones.map((phone) => phone.load()));
    await this.wire.load();
  }

  connected(yes) {
    if (!this.started) return;
    const lost = this.wasLost;
    this.wasLost = !yes;
    $("connection").textContent = yes ? `${this.numbers.length} number${this.numbers.length === 1 ? "" : "s"}, ${this.users.size} people` : "Connection lost, trying again…";
    if (yes && lost) this.reload();
  }

  message(message) {
    const taken = this.phones.filter((phone) => phone.receive(message));
    if (taken.length || message.direction === "in") return;
    const phone = this.phones.find((one) => one.user.wa_id === message.wa_id);
    if (phone) toast(`${phone.user.name}: a message in another chat`);
  }

  tellOwner(waId, text) {
    const phone = this.phones.find((one) => one.user.wa_id === waId);
    if (phone) toast(`${phone.user.name}: ${text}`);
  }

  async open(waId, number) {
    const known = this.phones.find((phone) => phone.user.wa_id === waId);
    if (known) return this.activate(known);
    const phone = new Phone(this.users.get(waId), this);
    if (number && this.numbers.some((one) => one.phone_number_id === number)) phone.number = number;
    phone.drawNumbers();
    this.phones.push(phone);
    $("phones").append(phone.element);
    await phone.trying(() => phone.load());
    this.remember();
    this.activate(phone);
    return phone;
  }

  close(phone) {
    phone.element.remove();
    this.phones = this.phones.filter((one) => one !== phone);
    if (this.active === phone) this.active = this.phones[0] || null;
    this.drawTabs();
    this.remember();
  }

  activate(phone) {
    this.active = phone;
    phone.element.scrollIntoView({ block: "nearest", inline: "center" });
    this.drawTabs();
  }

  swiped() {
    if (innerWidth > 720) return;
    const middle = innerWidth / 2;
    const shown = this.phones.find((phone) => {
      const box = phone.element.getBoundingClientRect();
      return box.left <= middle && box.right >= middle;
    });
    if (shown && shown !== this.active) {
      this.active = shown;
      this.drawTabs();
    }
  }

  seen() {
    this.drawTabs();
  }

  remember() {
    try {
      localStorage.setItem("emulator.phones", JSON.stringify(this.phones.map((phone) => ({ wa_id: phone.user.wa_id, number: phone.number }))));
    } catch {
      // Private windows keep nothing; the page starts with the first two people.
    }
  }

  drawTabs() {
    const focused = $("tabs").contains(document.activeElement);
    $("tabs").replaceChildren(
      ...this.phones.map((phone) => {
        const selected = phone === this.active;
        return h("button", { type: "button", class: "tab", role: "tab", "data-testid": "user-tab", "aria-selected": String(selected), "aria-controls": phone.element.id, tabindex: selected ? "0" : "-1", onclick: () => (this.activate(phone), innerWidth > 720 && phone.composer.input.focus()) }, avatar(phone.user.name), phone.user.name);
      }),
    );
    if (focused) $("tabs").querySelector("[aria-selected='true']")?.focus();
  }

  walkTabs(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !this.phones.length) return;
    event.preventDefault();
    const at = this.phones.indexOf(this.active);
    this.activate(this.phones[(at + step + this.phones.length) % this.phones.length]);
    $("tabs").querySelector("[aria-selected='true']").focus();
  }

  addDialog() {
    const others = [...this.users.values()].filter((user) => !this.phones.some((phone) => phone.user.wa_id === user.wa_id)).slice(0, LISTED);
    const fresh = `2547${String(Math.floor(Math.random() * 1e8)).padStart(8, "0")}`;
    openSheet("Add a phone", (close) => [
      form([field("Name", "name", "", { required: true, placeholder: "Amina", autofocus: true, "data-testid": "new-name", autocomplete: "off" }), field("Phone number", "wa_id", `+${fresh}`, { required: true, inputmode: "tel", "data-testid": "new-phone", autocomplete: "off" })], "Add person", async ({ name, wa_id: given }) => {
        const wa_id = given.replace(/\D/g, "");
        try {
          this.users.set(wa_id, await post("users", { wa_id, name }));
          close();
          (await this.open(wa_id))?.composer.input.focus();
        } catch (error) {
          toast(error.message);
        }
      }),
      others.length ? h("div", { style: "margin:0 -10px" }, h("div", { class: "section" }, "People already here"), ...others.map((user) => h("button", { type: "button", class: "row", "data-testid": "user-pick", onclick: () => (close(), this.open(user.wa_id)) }, avatar(user.name, true), h("span", { class: "grow" }, h("strong", {}, user.name), h("small", {}, phoneNumber(user.wa_id)))))) : null,
    ].filter(Boolean));
  }

  clock({ now, shift_s }) {
    this.offset = now - Date.now() / 1000;
    this.shift = shift_s;
    this.drawClock();
    this.phones.forEach((phone) => phone.drawState());
  }

  drawClock() {
    $("clock-time").textContent = new Date(this.now() * 1000).toLocaleDateString([], { weekday: "short" }) + " " + clockTime(this.now());
    const shifted = Math.abs(this.shift) >= 1;
    $("clock-shift").hidden = !shifted;
    $("clock-reset").hidden = !shifted;
    if (shifted) $("clock-shift").textContent = duration(this.shift);
  }
}

function read(key, fallback) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? fallback;
  } catch {
    return fallback;
  }
}

function startTheme() {
  const root = document.documentElement;
  const kept = read("emulator.theme", null);
  if (kept) root.dataset.theme = kept;
  $("theme").append(icon("sun"));
  $("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
    try {
      localStorage.setItem("emulator.theme", JSON.stringify(root.dataset.theme));
    } catch {
      // Private windows keep nothing; the choice lasts for this page.
    }
  });
}

startTheme();
const lab = new Lab();
$("user-add").addEventListener("click", () => lab.addDialog());
$("tabs").addEventListener("keydown", (event) => lab.walkTabs(event));
$("clock-plus").addEventListener("click", () => post("clock", { shift: "+25h" }).then((clock) => lab.clock(clock)).catch((error) => toast(error.message)));
$("clock-reset").addEventListener("click", () => post("clock", { reset: true }).then((clock) => lab.clock(clock)).catch((error) => toast(error.message)));
lab.start().catch((error) => {
  $("connection").textContent = "The emulator does not answer";
  toast(error.message);
});
