"use strict";
// Filters, unfolds what a link leads to, and leads to the next failure. The page is whole without it.
(() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const bar = document.querySelector(".bar");
  const search = bar.querySelector("input");
  const shown = bar.querySelector(".shown");
  const items = all("[data-n]");
  let group = "";
  search.hidden = false;

  const filter = () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const item of items) {
      const name = item.dataset.n.toLowerCase();
      const hit = (!group || item.dataset.g === group) && words.every((word) => name.includes(word));
      item.hidden = !hit;
      if (hit && item.matches(".scenario")) count += 1;
    }
    for (const part of all(".group")) part.hidden = !part.querySelector(".scenario:not([hidden])");
    for (const table of all(".summary")) table.hidden = !table.querySelector("tbody tr:not([hidden])");
    for (const chip of all(".chip")) chip.setAttribute("aria-pressed", String(chip.dataset.f === group));
    shown.textContent = group || words.length ? count + " shown" : "";
  };

  for (const chip of all(".chip")) {
    chip.setAttribute("role", "button");
    const press = (event) => {
      event.preventDefault();
      group = chip.dataset.f === group ? "" : chip.dataset.f;
      filter();
      scrollTo({ top: 0 });
    };
    chip.addEventListener("click", press);
    chip.addEventListener("keydown", (event) => { if (event.key === " ") press(event); });
  }
  search.addEventListener("input", filter);
  filter();

  // A link to a scenario shows it, whatever is filtered or folded.
  const reveal = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    const item = target && target.closest(".scenario");
    if (!item) return;
    if (item.hidden) { group = ""; search.value = ""; filter(); }
    if (item.matches("details")) item.open = true;
    item.scrollIntoView();
  };
  addEventListener("hashchange", reveal);
  reveal();

  const next = bar.querySelector(".next");
  if (next) next.addEventListener("click", (event) => {
    const open = all("section.scenario:not([hidden])");
    const below = open.find((one) => one.getBoundingClientRect().top > bar.offsetHeight + 20) || open[0];
    if (!below) return;
    event.preventDefault();
    history.replaceState(null, "", "#" + below.id);
    below.scrollIntoView();
    below.querySelector("nav a").focus({ preventScroll: true });
  });

  // On paper nothing can be unfolded.
  let folded = [];
  addEventListener("beforeprint", () => {
    const kept = document.body.matches(".many") ? "details.scenario, details.scenario *" : null;
    folded = all("details:not([open])").filter((one) => !kept || !one.matches(kept));
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => { for (const one of folded) one.open = false; });
})();
