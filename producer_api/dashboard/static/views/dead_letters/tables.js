// The tables of dead letters.

import { h, replace } from "../../dom.js";
import { ago, bytes, instant, number, shortId } from "../../format.js";
import { time } from "../../parts/page.js";
import { badge } from "../../parts/status.js";
import { createTable } from "../../parts/table.js";
import { href } from "../../router.js";

/** Reasons, each with its sums. */
export function groupTable(redriveGroup) {
  return createTable({
    label: "Dead letters by reason",
    key: ({ id }) => id,
    columns: [
      {
        title: "Reason",
        isMain: true,
        cell: ({ errorCode, reason }) =>
          h(
            "div",
            { class: "two-lines" },
            h("a", { href: href("/dead-letters", { code: errorCode, reason }) }, reason ?? "no reason given"),
            h("span", {}, badge(errorCode ?? "no code", "bad")),
          ),
      },
      { title: "Letters", isNumber: true, cell: (group) => number(group.count) },
      { title: "First", class: "nowrap", cell: ({ first }) => time(first, ago(first), instant(first)) },
      { title: "Last", class: "nowrap", cell: ({ last }) => time(last, ago(last), instant(last)) },
      {
        title: "Redrive",
        hasHiddenTitle: true,
        part: (first) => {
          let group = first;
          const label = `Redrive: ${first.reason ?? "no reason given"}`;
          const attributes = { type: "button", class: "button button-small", "aria-label": label };
          const button = h("button", { ...attributes, on: { click: () => redriveGroup(group) } }, "Redrive");
          const update = (now) => {
            group = now;
          };
          return { element: button, update };
        },
      },
    ],
  });
}

/** Letters; one with a `mark` says that, and is redriven no more from here. */
export function letterTable(redriveOne) {
  return createTable({
    label: "Dead letters",
    key: ({ id }) => id,
    columns: [
      {
        title: "Letter",
        isMain: true,
        cell: ({ id }) => letterLink(id),
      },
      {
        title: "Task",
        class: "nowrap",
        cell: ({ task_id: taskId }) =>
          taskId === null ? "none" : h("a", { class: "mono", href: href(`/tasks/${taskId}`), title: taskId }, shortId(taskId)),
      },
      { title: "Why", cell: ({ error_code: code, reason }) => h("span", { title: reason }, code ?? reason ?? "no reason given") },
      { title: "Tenant", cell: ({ tenant }) => tenant ?? "–" },
      { title: "Run", isNumber: true, cell: ({ run }) => number(run) },
      { title: "Failed", class: "nowrap", cell: ({ failed_at: at }) => time(at, ago(at), instant(at)) },
      { title: "Size", isNumber: true, cell: ({ size_bytes: size }) => bytes(size) },
      {
        title: "Redrive",
        hasHiddenTitle: true,
        part: (letter) => redrivePart(letter, redriveOne),
      },
    ],
  });
}

function redrivePart(letter, redriveOne) {
  const attributes = { type: "button", class: "button button-small", "aria-label": `Redrive letter ${letter.id}` };
  const button = h("button", { ...attributes, on: { click: () => redriveOne(letter) } }, "Redrive");
  const element = h("div", {}, button);

  function update({ mark }) {
    if (mark === null) return;
    const content = h("span", { class: "hint", tabindex: "-1" }, mark.text, mark.letter && [" ", letterLink(mark.letter)]);
    const hadFocus = element.contains(document.activeElement);
    replace(element, content);
    if (hadFocus) content.focus();
  }
  return { element, update };
}

function letterLink(id) {
  return h("a", { href: href(`/dead-letters/${id}`), "aria-label": `Letter ${id}` }, id);
}
