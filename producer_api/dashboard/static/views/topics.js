// The topics, as Kafka has them now.

import { h } from "../dom.js";
import { number } from "../format.js";
import { liveContent } from "../parts/live.js";
import { card, pageHead } from "../parts/page.js";
import { badge } from "../parts/status.js";
import { createTable } from "../parts/table.js";
import { href } from "../router.js";

export const topicsView = {
  title: "Topics",
  show(root, context) {
    const { element, sign } = liveContent(context, "topics", { build, title: "The topics cannot be shown" });
    const lead = "What is in Kafka: every accepted prompt, every result, and what will not be tried again.";
    root.append(pageHead({ title: "Topics", lead }, sign), element);
  },
};

function build() {
  const table = createTable({
    label: "Topics",
    key: ({ topic }) => topic,
    columns: [
      { title: "Topic", isMain: true, cell: ({ topic, exists }) => (exists ? h("a", { href: href(`/topics/${topic}`) }, topic) : topic) },
      { title: "State", cell: stateOf },
      { title: "Partitions", isNumber: true, cell: ({ partitions }) => number(partitions?.length) },
      { title: "Records", isNumber: true, cell: ({ records }) => number(records) },
      { title: "Copies in sync", isNumber: true, cell: copiesOf },
      {
        title: "Lag",
        cell: ({ groups = [] }) =>
          groups.length
            ? h("div", { class: "two-lines" }, groups.map(({ group, lag, members }) => groupOf(group, lag, members)))
            : h("span", { class: "hint" }, "no group reads it"),
      },
    ],
  });
  const element = card({}, table.element);
  return { element, update: ({ topics }) => table.update(topics), close() {} };
}

function groupOf(group, lag, members) {
  const readers = members === 1 ? "1 member" : `${number(members)} members`;
  return h("span", {}, `${number(lag)} `, h("span", { class: "hint" }, `${group}, ${readers}`));
}

function stateOf({ exists, replication, in_sync: inSync }) {
  if (!exists) return badge("not made yet", "plain");
  return inSync < replication ? badge("copies behind", "warn") : badge("in sync", "good");
}

function copiesOf({ exists, replication, in_sync: inSync }) {
  return exists ? `${number(inSync)} of ${number(replication)}` : "–";
}
