// One message as the phone shows it.
import { h, icon, ticks } from "./dom.js";
import { clockTime, formatted } from "./format.js";
import { openSheet } from "./sheet.js";

const ICONS = { url: "link", phone: "phone", location: "pin", contact: "person", flow: "form", copy: "copy", reply: "reply", quick_reply: "reply" };

export function bubbleOf(message, phone) {
  const note = noteOf(message);
  if (note) return note;
  const mine = message.direction === "in";
  const bubble = h("div", { class: "bubble" }, quoteOf(message, phone), ...contentOf(message), metaOf(message, mine));
  const node = h(
    "article",
    {
      class: `message${mine ? " mine" : ""}`,
      "data-testid": "message",
      "data-id": message.id,
      "data-direction": message.direction,
      "data-type": message.type,
      "data-status": message.status,
      tabindex: "-1",
      "aria-label": `${mine ? "You" : phone.businessName()}: ${message.text || message.type}, ${clockTime(message.timestamp)}`,
    },
    bubble,
    optionsOf(message, phone),
    reactionsOf(message),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "icon-button", tabindex: "-1", "aria-label": "Reply to this message", onclick: () => phone.replyTo(message) }, icon("reply")),
      h("button", { type: "button", class: "icon-button", tabindex: "-1", "aria-label": "React to this message", onclick: () => phone.react(message) }, icon("smile")),
    ),
  );
  return node;
}

function noteOf(message) {
  const props = { class: "note", "data-testid": "note", "data-id": message.id, tabindex: "-1" };
  if (message.direction === "out" && message.status === "failed") {
    const error = message.error || {};
    const why = `${error.code || ""} ${(error.error_data || {}).details || error.title || ""}`;
    return h("div", { ...props, class: "note failed" }, `Never arrived: “${message.text.slice(0, 60) || message.type}” — ${why}`);
  }
  const words = {
    system: () => message.content.body,
    request_welcome: () => "You opened this chat for the first time",
    unsupported: () => "You sent something that businesses cannot receive",
    revoke: () => "You took a message back",
    edit: () => `You changed a message to “${((message.content.message || {}).text || {}).body || ""}”`,
  }[message.type];
  return words ? h("div", props, words()) : null;
}

function contentOf(message) {
  const { type, content, rendered } = message;
  if (type === "template") return partsOf(rendered || {}, message);
  if (type === "text") return [textOf(content.body)];
  if (type === "interactive") return interactiveOf(message);
  if (type === "button") return [textOf(content.text)];
  if (type === "location") return [locationOf(content)];
  if (type === "contacts") return content.contacts.map(contactOf);
  if (type === "order") return [h("div", { class: "heading" }, "Order"), ...(content.product_items || []).map((item) => h("div", {}, `${item.quantity} × ${item.product_retailer_id}`))];
  const media = mediaOf(type, content);
  if (media) return [media, content.caption ? textOf(content.caption) : null];
  return [h("em", { class: "muted" }, type), h("pre", { class: "text" }, JSON.stringify(content, null, 1))];
}

function interactiveOf(message) {
  const { content } = message;
  const reply = content.button_reply || content.list_reply;
  if (reply) return [textOf(reply.title), reply.description ? h("div", { class: "footnote" }, reply.description) : null];
  if (content.nfm_reply) return [h("div", { class: "heading" }, "Form sent"), answersOf(content.nfm_reply.response_json)];
  const header = content.header;
  return partsOf({ header, body: (content.body || {}).text || "", footer: (content.footer || {}).text || "" }, message);
}

function partsOf({ header, body, footer }) {
  const parts = [];
  if (header && header.type === "text") parts.push(h("div", { class: "heading" }, formatted(header.text)));
  else if (header) parts.push(header.type === "location" ? locationOf(header.location) : mediaOf(header.type, header[header.type]));
  if (body) parts.push(textOf(body));
  if (footer) parts.push(h("div", { class: "footnote" }, footer));
  return parts;
}

const textOf = (text) => h("div", { class: "text" }, formatted(text || ""));

function answersOf(json) {
  try {
    const answers = Object.entries(JSON.parse(json)).filter(([key]) => key !== "flow_token");
    return h("dl", { class: "kv" }, answers.flatMap(([key, value]) => [h("dt", {}, key), h("dd", {}, String(value))]));
  } catch {
    return h("code", {}, String(json));
  }
}

function mediaOf(kind, part) {
  const id = part._media_id || part.id;
  const src = id ? `/control/media/${encodeURIComponent(id)}` : null;
  const name = part.filename || part.link || kind;
  if (!src && kind !== "document") return h("div", { class: "card" }, icon("file"), h("span", {}, h("strong", {}, kind), h("small", {}, part.link || "on its way")));
  if (kind === "image" || kind === "sticker") {
    const alt = part.caption || (kind === "sticker" ? "Sticker" : "Picture");
    const image = h("img", { src, alt, "data-testid": "image", loading: "eager" });
    return h("button", { type: "button", class: kind === "sticker" ? "picture sticker" : "picture", "aria-label": `Open ${alt}`, onclick: () => lightbox(src, alt) }, image);
  }
  if (kind === "video") return h("video", { src, controls: true, preload: "metadata" });
  if (kind === "audio") return h("audio", { src, controls: true, preload: "metadata", "aria-label": "Voice message" });
  if (kind === "document") {
    return h("a", { class: "card", "data-testid": "document", href: src || part.link, target: "_blank", rel: "noopener", download: part.filename || "document" }, icon("file"), h("span", {}, h("strong", {}, name), h("small", {}, part.mime_type || "Document")));
  }
  return null;
}

function lightbox(src, alt) {
  openSheet(alt.slice(0, 60), () => h("img", { src, alt }), { kind: "lightbox", flush: true });
}

function locationOf(place) {
  const { latitude, longitude, name, address } = place;
  return h("div", {}, h("div", { class: "map" }, icon("pin")), name ? h("div", { class: "heading" }, name) : null, address ? h("div", {}, address) : null, h("div", { class: "footnote" }, `${latitude}, ${longitude}`));
}

function contactOf(card) {
  const phone = (card.phones || [])[0] || {};
  return h("div", { class: "card" }, icon("person"), h("span", {}, h("strong", {}, (card.name || {}).formatted_name || "Contact"), h("small", {}, phone.phone || phone.wa_id || "")));
}

function quoteOf(message, phone) {
  if (!message.context_id) return null;
  const quoted = phone.find(message.context_id);
  const who = quoted && quoted.direction === "in" ? "You" : phone.businessName();
  return h("button", { type: "button", class: "quote", tabindex: "-1", onclick: () => phone.show(message.context_id) }, h("b", {}, who), h("span", {}, (quoted && (quoted.text || quoted.type)) || "An earlier message"));
}

function metaOf(message, mine) {
  const marks = message.marks.map((mark) => h("span", { class: "mark" }, mark.replaceAll("_", " ")));
  return h("div", { class: "meta" }, ...marks, h("time", {}, clockTime(message.timestamp)), mine ? ticks(message.status) : null);
}

function reactionsOf(message) {
  const emojis = Object.values(message.reactions || {}).filter(Boolean);
  return emojis.length ? h("div", { class: "reactions", "data-testid": "reactions", "aria-label": `Reactions: ${emojis.join(" ")}` }, emojis.join(" ")) : null;
}

function optionsOf(message, phone) {
  if (!message.options.length) return null;
  if (message.options[0].kind === "row") {
    const label = ((message.content.action || {}).button) || "Choose";
    return h("div", { class: "options" }, h("button", { type: "button", class: "option", "data-testid": "list-open", "aria-haspopup": "dialog", onclick: () => openList(message, label, phone) }, icon("list"), label));
  }
  return h("div", { class: "options" }, message.options.map((option, index) => optionOf(message, option, index, phone)));
}

function optionOf(message, option, index, phone) {
  const content = [icon(ICONS[option.kind]), option.title];
  const props = { class: "option", "data-testid": "option-button", "data-kind": option.kind };
  if (option.kind === "url") return h("a", { ...props, "data-testid": "link-button", href: safe(option.url), target: "_blank", rel: "noopener noreferrer" }, content);
  return h("button", { ...props, type: "button", onclick: () => phone.tap(message, option, index) }, content);
}

const safe = (url) => (/^https?:\/\//i.test(url) ? url : "#");

function openList(message, label, phone) {
  openSheet(
    label,
    (close) => {
      let section = null;
      return message.options.flatMap((option, index) => {
        const nodes = [];
        if (option.section && option.section !== section) nodes.push(h("div", { class: "section" }, (section = option.section)));
        const choose = () => {
          close();
          phone.tap(message, option, index);
        };
        nodes.push(h("button", { type: "button", class: "row", "data-testid": "list-row", onclick: choose }, h("span", { class: "grow" }, h("strong", {}, option.title), option.description ? h("small", {}, option.description) : null), h("span", { class: "ring", "aria-hidden": "true" })));
        return nodes;
      });
    },
    { flush: true },
  );
}
