// What surrounds every view: brand, navigation, theme.

import { h, replace } from "../dom.js";
import { href } from "../router.js";
import { icon } from "./icon.js";

const NARROW = "(width < 60rem)";

/** `groups` are [{title, views: [{title, path, icon}]}]. Returns {element, main, arrive(path)}. */
export function createFrame({ groups, theme, markUrl, docsUrl }) {
  const main = h("main", { id: "main", tabindex: "-1" });
  const links = new Map();
  const lists = groups.map((group, index) => navGroup(group, index, links));
  const menu = h("button", { type: "button", class: "icon-button menu-button", "aria-controls": "nav" }, icon("menu"));
  const nav = h("nav", { id: "nav", "aria-label": "Views" }, lists);
  const skip = h("button", { type: "button", class: "skip", on: { click: () => main.focus() } }, "Skip to the content");
  const docs = h("a", { class: "nav-link", href: docsUrl }, icon("docs"), "API description");
  const foot = h("div", { class: "frame-foot" }, docs, themeButton(theme));
  const brand = h("a", { class: "brand", href: href("/") }, h("img", { src: markUrl, alt: "", width: 28, height: 28 }), "Promptmill");
  const drawer = h("div", { class: "drawer" }, nav, foot);
  const bar = h("header", { class: "frame-bar" }, h("div", { class: "bar-row" }, brand, menu), drawer);

  function setMenu(isOpen) {
    menu.setAttribute("aria-expanded", String(isOpen));
    menu.setAttribute("aria-label", isOpen ? "Close the menu" : "Open the menu");
    bar.classList.toggle("is-open", isOpen);
    replace(menu, icon(isOpen ? "close" : "menu"));
  }
  menu.addEventListener("click", () => setMenu(!bar.classList.contains("is-open")));
  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !bar.classList.contains("is-open")) return;
    setMenu(false);
    menu.focus();
  });
  setMenu(false);
  matchMedia(NARROW).addEventListener("change", () => setMenu(false));

  return {
    element: h("div", { class: "frame" }, skip, bar, main),
    main,
    /** Marks where one is; views below another, as /tasks/ID, belong to it. */
    arrive(path) {
      setMenu(false);
      for (const [to, link] of links) {
        const isHere = to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`);
        if (isHere) link.setAttribute("aria-current", path === to ? "page" : "true");
        else link.removeAttribute("aria-current");
      }
    },
  };
}

function navGroup(group, index, links) {
  const id = `nav-group-${index}`;
  const items = group.views.map((view) => {
    const link = h("a", { class: "nav-link", href: href(view.path) }, icon(view.icon), view.title);
    links.set(view.path, link);
    return h("li", {}, link);
  });
  return h("div", { class: "nav-group" }, h("p", { class: "nav-title", id }, group.title), h("ul", { "aria-labelledby": id }, items));
}

function themeButton(theme) {
  const button = h("button", { type: "button", class: "nav-link theme-button" });
  const show = () => {
    const isDark = theme.isDark();
    replace(button, icon(isDark ? "sun" : "moon"), isDark ? "Light theme" : "Dark theme");
  };
  button.addEventListener("click", () => {
    theme.toggle();
    show();
  });
  theme.onSystemChange(show);
  show();
  return button;
}
