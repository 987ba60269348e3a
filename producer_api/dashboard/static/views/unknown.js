// An address that leads nowhere.

import { h } from "../dom.js";
import { pageHead } from "../parts/page.js";
import { emptyState } from "../parts/states.js";
import { href } from "../router.js";

export const unknownView = {
  title: "No such page",
  show(content) {
    const home = h("a", { class: "button", href: href("/") }, "Submit prompts");
    const text = "The address may be cut off, or of another version.";
    content.append(pageHead({ title: "There is no such page" }), emptyState({ title: "Nothing here", text }, home));
  },
};
