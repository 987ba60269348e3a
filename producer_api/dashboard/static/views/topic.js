// One topic: its partitions as they are now, and its newest records. Their content is somebody's: shown when asked for only.

import { ApiError, isAbort } from "../api.js";
import { h, replace } from "../dom.js";
import { count, number } from "../format.js";
import { liveContent } from "../parts/live.js";
import { card, field, pageHead } from "../parts/page.js";
import { recordCard } from "../parts/record.js";
import { emptyState, errorState, loadingState, note } from "../parts/states.js";
import { createTable } from "../parts/table.js";
import { href } from "../router.js";

const LIMITS = [20, 50, 100];

export const topicView = {
  title: "Topic",
  show(root, context) {
    const { topic } = context.params;
    document.title = `${topic} · Promptmill`;
    const build = () => buildPartitions(topic);
    const { element, sign } = liveContent(context, "topics", { build, title: "The topic’s partitions cannot be shown" });
    const back = h("a", { class: "button", href: href("/topics") }, "All topics");
    root.append(
      pageHead({ title: topic, lead: "Its newest records, and its partitions as they are now." }, sign, back),
      newestRecords(topic, context),
      element,
    );
  },
};

function buildPartitions(topic) {
  const place = h("div", {});
  let table = null;
  return {
    element: card({ title: "Partitions" }, place),
    update({ topics }) {
      const found = topics.find((one) => one.topic === topic);
      if (!found?.exists) {
        table = null;
        replace(place, emptyState({ title: "There is no such topic", text: "No service has made it, or it is none of ours." }));
        return;
      }
      const groups = found.groups.map(({ group }) => group);
      if (table?.groups !== groups.join()) {
        table = { groups: groups.join(), ...partitionTable(topic, groups) };
        replace(place, table.element);
      }
      table.update(found.partitions);
    },
    close() {},
  };
}

function partitionTable(topic, groups) {
  return createTable({
    label: "Partitions",
    key: ({ partition }) => partition,
    columns: [
      {
        title: "Partition",
        isMain: true,
        cell: ({ partition }) => h("a", { href: href(`/topics/${topic}`, { partition }) }, `Partition ${partition}`),
      },
      { title: "First offset", isNumber: true, cell: ({ begin }) => number(begin) },
      { title: "End", isNumber: true, cell: ({ end }) => number(end) },
      { title: "Records", isNumber: true, cell: ({ begin, end }) => number(end - begin) },
      ...groups.map((group) => ({ title: `Lag of ${group}`, isNumber: true, cell: ({ lag }) => number(lag[group]) })),
    ],
  });
}

function newestRecords(topic, { api, operator, query, setQuery, onQuery, signal }) {
  const partition = h("input", { id: "partition", type: "number", min: 0, step: 1, placeholder: "all" });
  const limit = h("select", { id: "limit" }, LIMITS.map((one) => h("option", { value: one }, String(one))));
  const withContent = h("input", { id: "content", type: "checkbox" });
  const place = h("div", { class: "stack" });
  const form = h(
    "form",
    { class: "record-filters", on: { submit } },
    field("Partition", partition),
    field("Records", limit),
    h("label", { class: "check" }, withContent, "Show their content, which may be somebody’s prompt"),
    h("button", { class: "button" }, "Read again"),
  );
  let asking = new AbortController();

  function adopt(asked) {
    partition.value = asked.partition ?? "";
    limit.value = LIMITS.includes(Number(asked.limit)) ? asked.limit : String(LIMITS[0]);
  }

  async function read() {
    asking.abort();
    asking = new AbortController();
    const { signal: mine } = asking;
    replace(place, loadingState("Reading from Kafka…"));
    try {
      const asked = { partition: partition.value, limit: limit.value, content: withContent.checked ? "true" : "" };
      const path = `v1/operator/topics/${encodeURIComponent(topic)}/records`;
      const found = await api.get(path, asked, { signal: AbortSignal.any([signal, mine]), exact: ["value"] });
      replace(place, shown(found, withContent.checked));
    } catch (error) {
      if (isAbort(error)) return;
      if (!(error instanceof ApiError)) throw error;
      replace(place, errorState(error, { title: "The records cannot be shown", onRetry: again }));
    }
  }

  function again() {
    operator.askAgain();
    read();
  }

  function submit(event) {
    event.preventDefault();
    // Content is not in the address: what is shared must not show prompts by itself.
    setQuery({ partition: partition.value, limit: limit.value === String(LIMITS[0]) ? "" : limit.value }, { isStep: true });
    read();
  }

  limit.addEventListener("change", () => form.requestSubmit());
  withContent.addEventListener("change", read);
  onQuery((asked) => {
    adopt(asked);
    read();
  });
  adopt(query);
  read();
  return card({ title: "Newest records" }, form, place);
}

function shown({ records, is_cut: isCut }, withContent) {
  if (!records.length) return emptyState({ title: "No records here", text: "Nothing was written, or its time has passed." });
  return [
    h("p", { class: "hint" }, `${count(records.length, "record")}, newest first.`),
    isCut && note("info", h("p", {}, "There are more, and their values are too large together: choose a partition.")),
    h("ol", { class: "kafka-records" }, records.map((record) => h("li", {}, recordCard(record, { withContent })))),
  ];
}
