// Dead letters by why they died: to be looked at, and run again. What dies meanwhile comes in by itself.
//
// That there are more is told by the topics, which an API reads for all who look at anything: letters are read when their
// topic has grown, behind the last that was read.

import { h, replace, setText } from "../dom.js";
import { count, number } from "../format.js";
import { confirmed, openDialog } from "../parts/dialog.js";
import { liveContent } from "../parts/live.js";
import { card, pageHead } from "../parts/page.js";
import { redrivePanel } from "../parts/redrive_panel.js";
import { emptyState, errorNote, errorState, loadingState } from "../parts/states.js";
import { href } from "../router.js";
import { createLetterReader } from "./dead_letters/reader.js";
import { groupTable, letterTable } from "./dead_letters/tables.js";
import { groupAsked, groupId, groupsOf, latestOf, markOf } from "./dead_letters_data.js";

const SHOWN = 100;

export const deadLettersView = {
  title: "Dead letters",
  show(root, context) {
    const lead = "Records that will not be tried again by themselves, oldest first. They stay for 30 days, redriven or not.";
    const all = h("button", { type: "button", class: "button", disabled: true }, "Redrive all");
    const content = letters(context, all);
    const { element, sign } = liveContent(context, "topics", { build: () => content, title: "The dead letters cannot be shown" });
    root.append(pageHead({ title: "Dead letters", lead }, sign, all), element);
  },
};

function letters(context, all) {
  const { api, operator, query, onQuery, signal } = context;
  const fates = new Map();
  let chosen = chosenOf(query);
  let most = SHOWN;
  let seenEnds = null;
  let hasFailed = false;

  const reader = createLetterReader({ api, signal, onPage, onError });
  const panel = redrivePanel(context, { onItems });
  const groups = groupTable(redriveGroup);
  const list = letterTable((letter) => panel.start(`letter ${letter.id}`, { positions: [letter.id] }));
  const trouble = h("div", {});
  const looked = h("p", { class: "hint", role: "status" });
  const further = h("button", { type: "button", class: "button button-small", on: { click: readMore } }, "Look at more");
  const heading = h("h2", { tabindex: "-1" });
  const everyGroup = h("a", { class: "button button-small", href: href("/dead-letters") }, "All reasons");
  const shownOf = h("p", { class: "hint" });
  const more = h("button", { type: "button", class: "button button-small", on: { click: showMore } }, "Show more");
  const place = h("div", { class: "stack" }, loadingState());
  const content = [
    card({ title: "By reason" }, groups.element, trouble, h("div", { class: "actions" }, looked, further)),
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

  function update({ topics }) {
    const ends = topics.find(({ topic }) => topic.endsWith("dead-letters"))?.partitions?.map(({ end }) => end).join() ?? "";
    if (ends === seenEnds && !hasFailed) return;
    seenEnds = ends;
    reader.readOn();
  }

  function onPage() {
    hasFailed = false;
    replace(trouble);
    show();
  }

  function onError(error) {
    hasFailed = true;
    if (reader.letters.length) replace(trouble, errorNote(error));
    else replace(place, errorState(error, { title: "The dead letters cannot be shown", onRetry: again }));
  }

  function again() {
    operator.askAgain();
    replace(place, loadingState());
    reader.readOn();
  }

  async function readMore() {
    further.disabled = true;
    await reader.readMore();
    further.disabled = false;
  }

  function onItems(items) {
    for (const { id, status, run } of items) fates.set(id, { status, run });
    show();
  }

  function show() {
    const found = reader.letters;
    const { isOver, remaining, end } = reader.rest();
    if (end === null) return;
    all.disabled = !found.length;
    if (!found.length && isOver) {
      replace(place, nothing);
      return;
    }
    groups.update(groupsOf(found));
    setText(looked, `${count(found.length, "letter")} looked at${remaining ? `, ${number(remaining)} to go` : ""}.`);
    further.hidden = isOver;
    const matching = chosen ? found.filter((letter) => idOf(letter) === chosen.id) : found;
    const latest = latestOf(found);
    list.update(matching.slice(0, most).map((letter) => ({ ...letter, mark: markOf(letter, latest.get(letter.task_id), fates.get(letter.id)) })));
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
    const { isOver, remaining, reached, end } = reader.rest();
    const what = count(group.count, "letter");
    const before = await askHowMany({ what, isOver, remaining, reached, end });
    if (before) panel.start(before === reached ? what : "letters that died of this", groupAsked(group, before));
  }

  all.addEventListener("click", async () => {
    const text = "Every letter that is in the topic now, not only those shown. What is under way, or has its answer, is left as it is.";
    const yes = await confirmed({ title: "Redrive all dead letters?", text, action: "Redrive all" });
    if (yes) panel.start("all letters", { all: true });
  });
  onQuery((asked) => {
    chosen = chosenOf(asked);
    most = SHOWN;
    show();
    if (chosen) heading.focus();
  });
  return { element: place, update, close() {} };
}

/** Up to where letters of a group are to be redriven, as the API takes it; null for none. */
function askHowMany({ what, isOver, remaining, reached, end }) {
  const body = [
    h("p", {}, `Those counted here, which died of exactly this, get another run with their whole time before them. What is under way, or has its answer, is left as it is, and so is what died since.`),
    !isOver && h("p", {}, `${count(remaining, "further letter")} ${remaining === 1 ? "was" : "were"} not looked at. Those that died of exactly this can be redriven, too: how many they are is not known.`),
  ];
  const actions = [
    { label: "Go back", value: null },
    !isOver && { label: "Redrive these and those not looked at", value: end },
    { label: "Redrive", value: reached, kind: "primary" },
  ];
  return openDialog({ title: `Redrive ${what}?`, body, actions: actions.filter(Boolean) });
}

function chosenOf({ code, reason }) {
  if (code === undefined && reason === undefined) return null;
  const group = { errorCode: code ?? null, reason: reason ?? null };
  return { ...group, id: groupId(group) };
}

function idOf({ error_code: errorCode, reason }) {
  return groupId({ errorCode, reason });
}
