// Light, dark, or as the system has it. What was chosen is kept; first-paint.js reads it before anything is painted.

const KEY = "promptmill.theme";

/** `root` carries the choice as `data-theme`; the styles do the rest. */
export function createTheme({ root, storage }) {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ?? (system.matches ? "dark" : "light")) === "dark";
  return {
    isDark,
    /** Changes to the other one; the system's own choice is not kept, so that it goes on following the system. */
    toggle() {
      const wanted = isDark() ? "light" : "dark";
      if (wanted === (system.matches ? "dark" : "light")) {
        delete root.dataset.theme;
        storage.removeItem(KEY);
      } else {
        root.dataset.theme = wanted;
        storage.setItem(KEY, wanted);
      }
    },
    /** Calls when the system changes its mind. */
    onSystemChange: (listener) => system.addEventListener("change", listener),
  };
}
