// Dead letters by why they died: to be looked at, and run again.

import { ApiError, isAbort } from "../api.js";
import { h, replace, setText } from "../dom.js";
import { ago, bytes, count, instant, number, shortId } from "../format.js";
import { confirmed } from "../parts/dialog.js";
import { card, pageHead, time } from "../parts/page.js";
import { redrivePanel } from "../parts/redrive_panel.js";
import { emptyState, errorState, loadingState } from "../parts/states.js";
import { badge } from "../parts/status.js";
import { createTable } from "../parts/table.js";
import { href } from "../router.js";
import { groupId, groupsOf } from "./dead_letters_data.js";

const PAGE = 500;
// What one look brings here: the sums stay quick, and the rest is a button away.
const AT_ONCE = 5_000;
const SHOWN = 100;
// Of a reason, as the API takes it.
const LONGEST_REASON = 300;

export const deadLettersView = {
  title: "Dead letters",
  show(root, context) {
    const lead = "Records that will not be tried again by themselves, oldest first. They stay for 30 days, redriven or not.";
    const all = h("button", { type: "button", class: "button", disabled: true }, "Redrive all");
    const content = letters(context, all);
    root.append(pageHead({ title: "Dead letters", lead }, all), content);
  },
};

function letters(context, all) {
  const { api, operator, query, onQuery, signal } = context;
  const found = [];
  let rest = { after: null, remaining: 0 };
  let chosen = chosenOf(query);
  let most = SHOWN;

  const panel = redrivePanel(context, { onEnd: () => {} });
  const groups = groupTable(redriveGroup);
  const list = letterTable((letter) => panel.start(`letter ${letter.id}`, { positions: [letter.id] }));
  const looked = h("p", { class: "hint", role: "status" });
  const further = h("button", { type: "button", class: "button button-small", on: { click: read } }, "Look at more");
  const heading = h("h2", { tabindex: "-1" });
  const everyGroup = h("a", { class: "button button-small", href: href("/dead-letters") }, "All reasons");
  const shownOf = h("p", { class: "hint" });
  const more = h("button", { type: "button", class: "button button-small", on: { click: showMore } }, "Show more");
  const place = h("div", { class: "stack" }, loadingState());
  const content = [
    card({ title: "By reason" }, groups.element, h("div", { class: "actions" }, looked, further)),
    h(
      "section",
      { class: "card" },
      h("div", { class: "card-head" }, heading, everyGroup),
      list.element,
      h("div", { class: "actions" }, shownOf, more),
    ),
  ];
  const nothing = emptyState({
    title: "No dead letters",
    text: "Every record was run, or is still to be. What fails for good comes here with its reason.",
  });

  async function read() {
    further.disabled = true;
    const until = found.length + AT_ONCE;
    try {
      do {
        const page = await api.get("v1/operator/dead-letters", { limit: PAGE, after: rest.after }, { signal });
        found.push(...page.dead_letters);
        rest = { after: page.next, remaining: page.remaining };
        show();
      } while (rest.after !== null && found.length < until);
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiError)) throw error;
      replace(place, errorState(error, { title: "The dead letters cannot be shown", onRetry: again }));
    } finally {
      further.disabled = false;
    }
  }

  function again() {
    operator.askAgain();
    replace(place, loadingState());
    read();
  }

  function show() {
    all.disabled = !found.length;
    if (!found.length && rest.after === null) {
      replace(place, nothing);
      return;
    }
    const known = groupsOf(found);
    groups.update(known.map((group) => ({ ...group, isChosen: chosen?.id === group.id })));
    setText(looked, `${count(found.length, "letter")} looked at${rest.remaining ? `, ${number(rest.remaining)} to go` : ""}.`);
    further.hidden = rest.after === null;
    const matching = chosen ? found.filter((letter) => idOf(letter) === chosen.id) : found;
    list.update(matching.slice(0, most));
    setText(heading, chosen ? `${chosen.errorCode ?? "No code"}: ${chosen.reason ?? "no reason given"}` : "Letters");
    everyGroup.hidden = !chosen;
    more.hidden = matching.length <= most;
    setText(shownOf, more.hidden ? "" : `${number(most)} of ${number(matching.length)} shown.`);
    if (place.firstChild !== panel.element) replace(place, panel.element, content);
  }

  function showMore() {
    most += SHOWN;
    show();
  }

  async function redriveGroup(group) {
    const what = count(group.count, "letter");
    const text = "Each gets another run with its whole time before it. What is under way, or has its answer, is left as it is.";
    const yes = await confirmed({ title: `Redrive ${what}?`, text, action: "Redrive" });
    if (yes) panel.start(what, askedOf(group, found));
  }

  all.addEventListener("click", async () => {
    const text = "Every letter in the topic, not only those shown. What is under way, or has its answer, is left as it is.";
    const yes = await confirmed({ title: "Redrive all dead letters?", text, action: "Redrive all" });
    if (yes) panel.start("all letters", { all: true });
  });
  onQuery((asked) => {
    chosen = chosenOf(asked);
    most = SHOWN;
    show();
    if (chosen) heading.focus();
  });
  read();
  return place;
}

/** Which letters a group's redrive means: by what they have in common, else each by its position. */
function askedOf({ id, errorCode, reason }, found) {
  if (errorCode === null && !reason) return { positions: found.filter((one) => idOf(one) === id).map((one) => one.id) };
  return {
    ...(errorCode === null ? {} : { error_code: errorCode }),
    ...(reason ? { reason: reason.slice(0, LONGEST_REASON) } : {}),
  };
}

function chosenOf({ code, reason }) {
  if (code === undefined && reason === undefined) return null;
  const group = { errorCode: code ?? null, reason: reason ?? null };
  return { ...group, id: groupId(group) };
}

function idOf({ error_code: errorCode, reason }) {
  return groupId({ errorCode, reason });
}

function groupTable(redriveGroup) {
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

function letterTable(redriveOne) {
  return createTable({
    label: "Dead letters",
    key: ({ id }) => id,
    columns: [
      {
        title: "Letter",
        isMain: true,
        cell: ({ id }) => h("a", { href: href(`/dead-letters/${id}`), "aria-label": `Letter ${id}` }, id),
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
        part: (letter) => {
          const attributes = { type: "button", class: "button button-small", "aria-label": `Redrive letter ${letter.id}` };
          const button = h("button", { ...attributes, on: { click: () => redriveOne(letter) } }, "Redrive");
          return { element: button, update() {} };
        },
      },
    ],
  });
}
