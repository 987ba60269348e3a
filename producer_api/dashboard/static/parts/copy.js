// Copying text.

import { h } from "../dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icon.js";

/** A button that copies what `text()` gives, now or later. */
export function copyButton(label, text, { notify, isSmall = false }) {
  const button = h("button", { type: "button", class: isSmall ? "icon-button" : "button" }, icon("copy"));
  if (isSmall) button.setAttribute("aria-label", label);
  else button.append(label);
  button.addEventListener("click", async () => {
    await copy(await text(), notify);
  });
  return button;
}

async function copy(text, notify) {
  // Only pages from this machine or over HTTPS may write to the clipboard, and not all of those.
  try {
    await navigator.clipboard.writeText(text);
    notify("Copied.");
  } catch {
    const area = h("textarea", { rows: 10, class: "mono", readOnly: true, "aria-label": "Text to copy", value: text });
    area.addEventListener("focus", () => area.select());
    await openDialog({ title: "Copy this", body: area, actions: [{ label: "Close", value: null }], isWide: true });
  }
}
