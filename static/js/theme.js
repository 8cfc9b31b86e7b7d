// Runs before the first paint: marks that scripts work, and puts on the theme this person chose.
(function () {
  "use strict";
  var root = document.documentElement;
  root.classList.add("js");
  var chosen = null;
  try { chosen = localStorage.getItem("peygir-theme"); } catch (error) { /* storage is closed */ }
  if (chosen === "dark" || chosen === "light") root.dataset.bsTheme = chosen;
})();
