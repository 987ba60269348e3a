// Messages, tool calls and whole answers, as text that can be read. Pure but for the nodes it makes.

import { h } from "../../dom.js";
import { parseExactly, writeExactly } from "../../exact_json.js";
import { badge } from "../../parts/status.js";

/** A chat's messages, each under its role. */
export function chatMessages(messages) {
  return h("ol", { class: "messages" }, messages.map(messageOf));
}

/** What an answer holds besides its first text: tools called, a refusal, more choices. Null where it is only text. */
export function answerExtras(body) {
  const choices = Array.isArray(body?.choices) ? body.choices : [];
  const parts = choices.flatMap((choice, index) => {
    const message = choice?.message ?? {};
    const own = [
      message.refusal ? labelled("Refusal", textOf(message.refusal)) : null,
      index > 0 && message.content ? labelled(`Choice ${index + 1}`, contentOf(message.content)) : null,
      ...toolCalls(message.tool_calls),
    ];
    return own.filter(Boolean);
  });
  return parts.length ? h("div", { class: "extras" }, parts) : null;
}

/** JSON to read, folded until it is asked for. */
export function foldedJson(title, value) {
  const content = h("pre", { class: "json", tabindex: "0", "aria-label": title });
  const element = h("details", { class: "folded" }, h("summary", {}, title), content);
  element.addEventListener("toggle", () => {
    if (element.open && !content.textContent) content.textContent = writeExactly(value, 2);
  });
  return element;
}

function messageOf(message) {
  const role = typeof message?.role === "string" ? message.role : "unknown";
  return h(
    "li",
    { class: "message" },
    h("p", { class: "message-role" }, role, message?.name && ` · ${textOf(message.name)}`),
    message?.content === null || message?.content === undefined ? null : contentOf(message.content),
    toolCalls(message?.tool_calls),
  );
}

/** A text, or parts: texts as they are, of others their kind and what they refer to. */
function contentOf(content) {
  if (!Array.isArray(content)) return h("pre", { class: "message-text" }, textOf(content));
  return content.map((part) => {
    if (part?.type === "text") return h("pre", { class: "message-text" }, textOf(part.text));
    const { type, ...rest } = part ?? {};
    return h("div", { class: "message-part" }, badge(textOf(type ?? "part"), "plain"), foldedJson("Content", rest));
  });
}

function toolCalls(calls) {
  if (!Array.isArray(calls)) return [];
  return calls.map((call) =>
    labelled(["Calls ", h("code", {}, textOf(call?.function?.name ?? call?.type ?? "a tool"))], indented(call?.function?.arguments ?? call)),
  );
}

function labelled(title, content) {
  return h("div", { class: "labelled" }, h("p", { class: "message-role" }, title), typeof content === "string" ? h("pre", { class: "json" }, content) : content);
}

/** A tool's arguments come as JSON in a text: laid out where they are that, else as they are. */
function indented(value) {
  if (typeof value !== "string") return writeExactly(value, 2);
  try {
    return writeExactly(parseExactly(value), 2);
  } catch {
    return value;
  }
}

function textOf(value) {
  return typeof value === "string" ? value : writeExactly(value);
}
