// Light or dark as the system says, until the button is pressed; the choice is remembered.

const KEY = "vestibule-demo-theme";

export function startTheme(button) {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.theme = remembered() ?? (dark.matches ? "dark" : "light");
  };
  dark.addEventListener("change", apply);
  button.addEventListener("click", () => {
    remember(document.documentElement.dataset.theme === "dark" ? "light" : "dark");
    apply();
  });
  apply();
}

// Storage may be forbidden.
function remembered() {
  try {
    return localStorage.getItem(KEY);
  } catch {
    return null;
  }
}

function remember(theme) {
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    document.documentElement.dataset.theme = theme;
  }
}
