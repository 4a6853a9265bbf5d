// Runs before the first paint, so that a page whose theme was chosen by hand does not flash in the other one.
try {
  const theme = JSON.parse(localStorage.getItem("firn.theme") ?? "null");
  if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the system's theme stays.
}
