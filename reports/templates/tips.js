"use strict";
// Shows the text of data-tip beside the pointer or the focus, and opens what is folded before printing.
(() => {
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  tip.setAttribute("role", "tooltip");
  document.body.append(tip);
  const show = (event) => {
    const over = event.target instanceof Element ? event.target.closest("[data-tip]") : null;
    tip.hidden = !over;
    if (!over) return;
    tip.textContent = over.dataset.tip;
    const left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8);
    const below = event.clientY + 18 + tip.offsetHeight < innerHeight;
    tip.style.left = `${Math.max(8, left)}px`;
    tip.style.top = `${below ? event.clientY + 18 : event.clientY - 12 - tip.offsetHeight}px`;
  };
  for (const moved of ["pointermove", "pointerdown"]) document.addEventListener(moved, show);
  document.addEventListener("pointerleave", () => { tip.hidden = true; });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape") tip.hidden = true; });
  const folded = [];
  addEventListener("beforeprint", () => {
    for (const part of document.querySelectorAll("details:not([open]):not([data-print=folded])")) { part.open = true; folded.push(part); }
  });
  addEventListener("afterprint", () => { for (const part of folded.splice(0)) part.open = false; });
})();
