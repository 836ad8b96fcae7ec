// What a person can send besides a tap: text and attachments.
import { post } from "./api.js";
import { h, icon } from "./dom.js";
import { field, form, openSheet } from "./sheet.js";

export function composerOf(phone) {
  const input = h("textarea", {
    rows: 1,
    placeholder: "Message",
    "aria-label": `Message from ${phone.user.name}`,
    "data-testid": "composer-input",
    enterkeyhint: "send",
    maxLength: 4096,
  });
  const replying = h("div", { class: "replying", hidden: true });
  const submit = () => {
    const text = input.value;
    if (!text.trim()) return;
    input.value = "";
    phone.send({ text });
  };
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      submit();
    }
    if (event.key === "ArrowUp" && !input.value) {
      event.preventDefault();
      phone.focusLast();
    }
    if (event.key === "Escape") phone.replyTo(null);
  });
  const element = h(
    "form",
    { class: "composer", onsubmit: (event) => (event.preventDefault(), submit()) },
    replying,
    h(
      "div",
      { class: "composer-row" },
      h("button", { type: "button", class: "icon-button", "data-testid": "attach", "aria-label": "Attach", "aria-haspopup": "dialog", onclick: () => attach(phone) }, icon("attach")),
      input,
      h("button", { type: "submit", class: "icon-button send", "data-testid": "send-button", "aria-label": "Send" }, icon("send")),
    ),
  );
  const showReply = (message) => {
    replying.hidden = !message;
    if (!message) return;
    replying.replaceChildren(
      h("span", {}, message.text || message.type),
      h("button", { type: "button", class: "icon-button", "aria-label": "Do not reply to it", onclick: () => phone.replyTo(null) }, icon("close")),
    );
    input.focus();
  };
  return { element, input, showReply };
}

function attach(phone) {
  const rows = [
    ["picture", "Photo or video", "attach-image", () => pick(phone, "image/*,video/mp4")],
    ["file", "Document", "attach-document", () => pick(phone, "", "document")],
    ["mic", "Voice message", "attach-audio", () => pick(phone, "audio/*", "audio")],
    ["pin", "Location", "attach-location", () => askLocation(phone)],
    ["person", "Contact", "attach-contact", () => askContact(phone)],
  ];
  openSheet("Attach", (close) => rows.map(([name, label, testid, run]) => h("button", { type: "button", class: "row", "data-testid": testid, onclick: () => (close(), run()) }, icon(name), h("strong", {}, label))), { flush: true });
}

function pick(phone, accept, kind) {
  const input = h("input", { type: "file", accept, "data-testid": "file-input", style: "position:fixed;left:-999px" });
  document.body.append(input);
  input.addEventListener("cancel", () => input.remove());
  input.addEventListener("change", async () => {
    const [file] = input.files;
    input.remove();
    if (!file) return;
    const body = new FormData();
    body.append("file", file);
    await phone.trying(async () => {
      const response = await fetch("/control/media", { method: "POST", body });
      const media = await response.json();
      if (!response.ok) throw new Error(media.error);
      const caption = phone.takeDraft();
      phone.send({ media: { id: media.id, kind: kind || (["image", "video"].includes(media.kind) ? media.kind : "document"), filename: file.name, caption, voice: kind === "audio" } });
    });
  });
  input.click();
}

export function askLocation(phone, messageId) {
  openSheet("Send a location", (close) =>
    form(
      [
        field("Name", "name", "Kenyatta International Convention Centre"),
        h("div", { class: "pair" }, field("Latitude", "latitude", "-1.28851", { inputmode: "decimal", required: true }), field("Longitude", "longitude", "36.82302", { inputmode: "decimal", required: true })),
      ],
      "Send location",
      ({ name, latitude, longitude }) => {
        close();
        phone.send({ location: { latitude: Number(latitude), longitude: Number(longitude), ...(name ? { name } : {}) }, message_id: messageId });
      },
    ),
  );
}

export function askContact(phone, messageId) {
  openSheet("Share a contact", (close) =>
    form(
      [field("Name", "name", phone.user.name, { required: true }), field("Phone", "number", `+${phone.user.wa_id}`, { inputmode: "tel", required: true })],
      "Share",
      ({ name, number }) => {
        close();
        const digits = number.replace(/\D/g, "");
        const card = { name: { formatted_name: name, first_name: name.split(" ")[0] }, phones: [{ phone: number, wa_id: digits, type: "CELL" }] };
        phone.send({ contacts: [card], message_id: messageId });
      },
    ),
  );
}

export function askForm(phone, message, option) {
  const action = ((message.content.action || {}).parameters || {}).flow_action_payload || {};
  openSheet(option.title, (close) => [
    h("p", { class: "muted" }, action.screen ? `Screen ${action.screen}. ` : "", "Meta's forms are not drawn here; write the answer that the form would give."),
    form([field("Answer as JSON", "json", JSON.stringify({ name: phone.user.name }, null, 2), { area: true, hint: "The flow token is added for you." })], "Send the form", ({ json }) => {
      close();
      let flow = json;
      try {
        flow = JSON.parse(json);
      } catch {
        // Broken JSON is sent as it stands: bots must live with it.
      }
      phone.send({ flow: flow && typeof flow === "object" && !Array.isArray(flow) ? flow : json, message_id: message.id });
    }),
  ]);
}

export function askReaction(phone, message) {
  const emojis = ["👍", "❤️", "😂", "😮", "🙏", "👎"];
  const had = (message.reactions || {}).in;
  const send = (emoji) => post(`users/${phone.user.wa_id}/send`, { phone_number_id: phone.number, reaction: { message_id: message.id, emoji } });
  openSheet("React", (close) => [
    h("div", { class: "emojis" }, emojis.map((emoji) => h("button", { type: "button", "aria-label": `React ${emoji}`, onclick: () => (close(), phone.trying(() => send(emoji))) }, emoji))),
    had ? h("button", { type: "button", class: "button", onclick: () => (close(), phone.trying(() => send(""))) }, `Take ${had} back`) : null,
  ].filter(Boolean));
}
