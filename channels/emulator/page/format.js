// WhatsApp's light markup (*bold* _italic_ ~struck~ `code`) and links, as nodes.
import { h } from "./dom.js";

const TOKEN = /(?<![\p{L}\p{N}])(\*(?=\S)[^*\n]*?\S\*|_(?=\S)[^_\n]*?\S_|~(?=\S)[^~\n]*?\S~|\*\S\*|_\S_|~\S~)(?![\p{L}\p{N}])|(```[\s\S]+?```|`[^`\n]+`)|(https?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]'])/gu;
const TAGS = { "*": "strong", _: "em", "~": "s" };

export function formatted(text) {
  const nodes = [];
  let last = 0;
  for (const match of String(text).matchAll(TOKEN)) {
    if (match.index > last) nodes.push(text.slice(last, match.index));
    const [whole, styled, code, url] = match;
    if (styled) nodes.push(h(TAGS[styled[0]], {}, formatted(styled.slice(1, -1))));
    else if (code) nodes.push(h("code", {}, code.replace(/^`+|`+$/g, "")));
    else nodes.push(h("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, url));
    last = match.index + whole.length;
  }
  if (last < text.length) nodes.push(text.slice(last));
  return nodes;
}

export function clockTime(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
}

export function dayOf(seconds) {
  return new Date(seconds * 1000).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
}

export function remaining(seconds) {
  const minutes = Math.ceil(seconds / 60);
  return minutes >= 60 ? `${Math.floor(minutes / 60)} h ${minutes % 60} min` : `${minutes} min`;
}

export function duration(seconds) {
  const hours = Math.round(Math.abs(seconds) / 360) / 10;
  const sign = seconds < 0 ? "−" : "+";
  return hours >= 48 ? `${sign}${Math.round(hours / 2.4) / 10} d` : `${sign}${hours} h`;
}

export function phoneNumber(waId) {
  return /^\d+$/.test(waId) ? `+${waId.slice(0, 3)} ${waId.slice(3).replace(/(\d{3})(?=\d)/g, "$1 ")}` : waId;
}

export function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
