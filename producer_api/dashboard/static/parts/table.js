// A table whose rows stay what they are while their content changes; on a narrow screen each row is a card.

import { h, replace, setText } from "../dom.js";

/**
 * `columns` are {title, cell} or {title, part}, with `isNumber` and `isMain` (the card's heading) where that is so.
 * `cell(row)` gives text or a node, anew whenever the row changes; `part(row)` gives {element, update(row)} once for
 * each row, for what must not be replaced: check boxes, progress bars. A column whose title is not to be seen has
 * `hasHiddenTitle`. `key(row)` tells rows apart. Returns {element, update(rows)}.
 */
export function createTable({ label, columns, key }) {
  const head = h("tr", { role: "row" }, columns.map(headOf));
  const body = h("tbody", { role: "rowgroup" });
  const element = h(
    "div",
    { class: "table-frame", role: "region", "aria-label": label, tabindex: "0" },
    h("table", { role: "table", "aria-label": label }, h("thead", { role: "rowgroup" }, head), body),
  );
  let shown = new Map();

  function update(rows) {
    const now = new Map();
    for (const row of rows) {
      const id = key(row);
      const line = shown.get(id) ?? createLine(columns, row);
      line.update(row);
      now.set(id, line);
    }
    for (const [id, line] of shown) if (!now.has(id)) line.element.remove();
    let next = body.firstChild;
    for (const line of now.values()) {
      // Only what is out of its place is moved: a move would take the focus from inside it.
      if (line.element === next) next = next.nextSibling;
      else body.insertBefore(line.element, next);
    }
    shown = now;
  }

  return { element, update };
}

function headOf(column) {
  const title = column.hasHiddenTitle ? h("span", { class: "visually-hidden" }, column.title) : column.title;
  return h("th", { role: "columnheader", scope: "col", class: column.isNumber ? "number" : null }, title);
}

function createLine(columns, first) {
  let known = null;
  const cells = columns.map((column) => {
    const part = column.part?.(first);
    const element = h(
      "td",
      { role: "cell", class: classOf(column), data: { label: column.hasHiddenTitle ? "" : column.title } },
      part?.element,
    );
    return {
      element,
      update(row) {
        if (part) part.update(row);
        else fill(element, column.cell(row));
      },
    };
  });
  const element = h("tr", { role: "row" }, cells.map((cell) => cell.element));
  return {
    element,
    update(row) {
      const content = JSON.stringify(row);
      if (content === known) return;
      known = content;
      for (const cell of cells) cell.update(row);
    },
  };
}

function fill(element, content) {
  if (typeof content !== "object" || content === null) setText(element, content ?? "");
  // What is the same stays: a link may have the focus.
  else if (element.childNodes.length !== 1 || !element.firstChild.isEqualNode(content)) replace(element, content);
}

function classOf(column) {
  return [column.isNumber && "number", column.isMain && "main-cell", column.class].filter(Boolean).join(" ") || null;
}
