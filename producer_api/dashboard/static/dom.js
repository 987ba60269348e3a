// Builds the page. Strings become text nodes, always: nothing here, or anywhere, reads HTML out of text.

const SVG = "http://www.w3.org/2000/svg";

/**
 * An element. `attributes`: `class`, `on` ({event: listener}), `data` ({name: value}), `style` ({property: value}),
 * `true` sets an attribute without value, null, undefined and false leave it out; names of PROPERTIES are set as such.
 * Children: nodes, strings, numbers, lists of them; null, undefined and false are left out.
 */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same of SVG. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

/** Puts children in place of those that are there. */
export function replace(parent, ...children) {
  parent.replaceChildren(...nodes(children));
  return parent;
}

/** Sets text, where it is another: what does not change is not announced, selected text stays selected. */
export function setText(element, text) {
  const wanted = String(text);
  if (element.textContent !== wanted) element.textContent = wanted;
}

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden", "indeterminate", "selected", "readOnly", "open"]);

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined) continue;
    if (name === "on") {
      for (const [event, listener] of Object.entries(value)) element.addEventListener(event, listener);
    } else if (name === "data") {
      Object.assign(element.dataset, value);
    } else if (name === "style") {
      for (const [property, text] of Object.entries(value)) element.style.setProperty(property, text);
    } else if (PROPERTIES.has(name)) {
      element[name] = value;
    } else if (value !== false) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}
