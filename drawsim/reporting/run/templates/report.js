// Without this script every set is shown; with it, one at a time.
const sets = [...document.querySelectorAll("section[data-set]")];
const bar = document.querySelector(".switch");
function show(name) {
  for (const section of sets) section.hidden = section.dataset.set !== name;
  for (const button of bar.children) button.setAttribute("aria-pressed", button.value === name);
}
function follow() {
  const target = document.getElementById(location.hash.slice(1));
  const section = target && target.closest("section[data-set]");
  if (!section) return;
  show(section.dataset.set);
  target.scrollIntoView();
}
if (bar && sets.length > 1) {
  bar.hidden = false;
  bar.addEventListener("click", (event) => event.target.value && show(event.target.value));
  addEventListener("hashchange", follow);
  show(sets[0].dataset.set);
  follow();
}
