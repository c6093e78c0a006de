// Without this script the browser shows the titles in its own time; with it, at once and on touch.
const tip = document.createElement("div");
tip.className = "tip";
tip.hidden = true;
tip.setAttribute("role", "status");
document.body.append(tip);
for (const title of document.querySelectorAll(".mark > title")) {
  title.parentNode.setAttribute("aria-label", title.textContent);
  title.remove();
}
addEventListener("pointerover", (event) => {
  const mark = event.target.closest(".mark");
  tip.hidden = !mark;
  tip.textContent = mark ? mark.getAttribute("aria-label") : "";
});
addEventListener("pointermove", (event) => {
  if (tip.hidden) return;
  const left = Math.min(event.clientX + 14, document.documentElement.clientWidth - tip.offsetWidth - 6);
  const above = event.clientY - tip.offsetHeight - 12;
  tip.style.left = `${Math.max(6, left)}px`;
  tip.style.top = `${above < 6 ? event.clientY + 18 : above}px`;
});
addEventListener("scroll", () => { tip.hidden = true; }, { passive: true });
