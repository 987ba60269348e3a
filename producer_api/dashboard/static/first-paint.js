// Before anything is painted: the theme that was chosen here, if one was. A classic script, as modules come too late.
(() => {
  let theme = null;
  try {
    theme = localStorage.getItem("promptmill.theme");
  } catch {
    // Storage may be forbidden: then the system's theme it is.
  }
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
})();
