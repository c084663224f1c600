"use strict";
// Moves the dot along each label's curve, and tells the figures at the threshold that its slider stands at.
const sweeps = JSON.parse(document.getElementById("sweeps").textContent);
const shown = (value) => (value === null ? "-" : value.toFixed(2));
const choosers = [];

function figures(sweep, at) {
  const given = sweep.given[at], right = sweep.right[at], positives = sweep.positives;
  return {
    precision: given ? right / given : null,
    recall: positives ? right / positives : null,
    f1: positives ? (2 * right) / (given + positives) : null,
    given: given,
  };
}

function tellMacro() {
  const all = choosers.map((chooser) => figures(chooser.sweep, Number(chooser.slider.value)).f1).filter((f1) => f1 !== null);
  document.getElementById("chosen-macro").textContent = shown(all.length ? all.reduce((a, b) => a + b) / all.length : null);
}

for (const plot of document.querySelectorAll("[data-sweep]")) {
  const sweep = sweeps[Number(plot.dataset.sweep)];
  const edge = Object.fromEntries(["left", "right", "bottom", "top"].map((name) => [name, Number(plot.dataset[name])]));
  const dot = plot.querySelector(".chosen"), output = plot.querySelector("output"), cells = plot.querySelectorAll("dd");
  const slider = document.createElement("input");
  Object.assign(slider, { type: "range", id: output.htmlFor.value, min: 0, max: sweep.thresholds.length - 1, step: 1 });
  plot.querySelector("label").after(slider);
  const tell = () => {
    const at = Number(slider.value), now = figures(sweep, at);
    output.textContent = shown(sweep.thresholds[at]);
    slider.setAttribute("aria-valuetext", output.textContent);
    [shown(now.precision), shown(now.recall), shown(now.f1), now.given.toLocaleString("en")].forEach((text, i) => {
      cells[i].textContent = text;
    });
    dot.setAttribute("cx", edge.left + (now.recall ?? 0) * (edge.right - edge.left));
    dot.setAttribute("cy", edge.bottom + (now.precision ?? 1) * (edge.top - edge.bottom));
    tellMacro();
  };
  choosers.push({ sweep, slider, tell });
  slider.addEventListener("input", tell);
}

function reset() {
  choosers.forEach((chooser) => { chooser.slider.value = chooser.sweep.own; });
  choosers.forEach((chooser) => chooser.tell());
}
document.getElementById("reset").addEventListener("click", reset);
document.querySelectorAll(".interactive").forEach((part) => { part.hidden = false; });
reset();
