"use strict";
// The interactive contour: axes, limits and bounds as SVG, and the grid point under the pointer.
(() => {
  const print = (open) => document.querySelectorAll("details").forEach((d) => { d.open = open; });
  addEventListener("beforeprint", () => print(true));
  addEventListener("afterprint", () => print(false));
  const source = document.getElementById("data");
  if (!source) return;
  const data = inUnitsOfTheAxes(JSON.parse(source.textContent));
  const plane = document.getElementById("plane");
  const body = document.querySelector("#readout tbody");
  const hidden = new Set();
  const M = data.masses.length, D = data.couplings.length;
  const range = (values) => [Math.log10(values[0]), Math.log10(values[values.length - 1])];
  const [x0, x1] = range(data.masses), [y0, y1] = range(data.couplings);
  const margin = { left: 58, right: 12, top: 10, bottom: 44 };
  let here = null, size = { w: 0, h: 0 }, mark = null;

  // Data are in GeV and the unit of the coupling.
  function inUnitsOfTheAxes(all) {
    const m = all.mass.factor, d = all.coupling.factor;
    const scaled = (line) => line.map(([mass, coupling]) => [m * mass, d * coupling]);
    all.masses = all.masses.map((mass) => m * mass);
    all.couplings = all.couplings.map((coupling) => d * coupling);
    for (const limit of all.limits) {
      limit.rings = limit.rings.map(scaled);
      limit.lines = limit.lines.map(scaled);
    }
    for (const bound of all.bounds) bound.line = scaled(bound.line);
    return all;
  }

  const style = (limit) => {
    if (limit.kind === "discovery") return { stroke: "#D55E00", width: 1.5, dash: "2 3" };
    if (limit.strong) return { stroke: "#D55E00", width: 1.5, dash: "" };
    if (limit.kind === "observed") return { stroke: "#0072B2", width: 2.2, dash: "" };
    if (limit.kind === "expected") return { stroke: "#000", width: 1.5, dash: "6 4" };
    return { stroke: "#5aa5d6", width: 0.8, dash: "" };
  };
  // Regions that an excess prefers have a colour for each analysis, all else is grey.
  const preferred = [...new Set(data.bounds.filter((b) => b.status === "allowed").map((b) => b.label))];
  const DASH = { solid: "", dashed: "6 4", dotted: "2 3", dashdot: "6 3 2 3" };
  const boundStyle = (bound) => {
    const k = preferred.indexOf(bound.label);
    const stroke = bound.color ?? (k < 0 ? "#7a7a7a" : ["#B07A00", "#A85C83"][k % 2]);
    const dash = DASH[bound.style] ?? (bound.status === "projected" ? "2 3" : "");
    return { stroke, dash, fill: k >= 0 && bound.kind === "region" ? stroke + "33" : "none" };
  };
  const layer = (limit) => (limit.kind.startsWith("expected_") ? "bands ±1σ, ±2σ" : limit.name);
  const BOUNDS = "existing bounds";

  const px = (mass) => margin.left + (Math.log10(mass) - x0) / (x1 - x0) * size.w;
  const py = (d) => margin.top + (y1 - Math.log10(d)) / (y1 - y0) * size.h;
  const path = (lines) => lines.map((line) => "M" + line.map(([m, d]) =>
    px(m).toFixed(1) + " " + py(d).toFixed(1)).join("L")).join("");

  const make = (name, attributes, parent, text) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) node.setAttribute(key, attributes[key]);
    if (text !== undefined) node.textContent = text;
    if (parent) parent.appendChild(node);
    return node;
  };

  const superscript = (n) => String(n).replace("-", "⁻").replace(/\d/g, (c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c]);

  function drawAxes(svg) {
    const bottom = margin.top + size.h;
    for (let e = Math.floor(x0); e <= Math.ceil(x1); e++) {
      for (let k = 1; k < 10; k++) {
        const mass = k * 10 ** e, x = px(mass);
        if (Math.log10(mass) < x0 - 1e-9 || Math.log10(mass) > x1 + 1e-9) continue;
        const labelled = k === 1 || k === 2 || k === 5;
        make("path", { d: `M${x} ${bottom}v${labelled ? -7 : -4}`, stroke: "#000" }, svg);
        if (labelled) make("text", { x, y: bottom + 16, "text-anchor": "middle" }, svg, +mass.toPrecision(3));
      }
    }
    for (let e = Math.ceil(y0 - 1e-9); e <= y1 + 1e-9; e++) {
      const y = py(10 ** e);
      make("path", { d: `M${margin.left} ${y}h7`, stroke: "#000" }, svg);
      make("text", { x: margin.left - 6, y: y + 4, "text-anchor": "end" }, svg, "10" + superscript(e));
    }
    make("rect", { x: margin.left, y: margin.top, width: size.w, height: size.h, fill: "none", stroke: "#000" }, svg);
    make("text", { x: margin.left + size.w / 2, y: bottom + 36, "text-anchor": "middle" }, svg, `HNL mass [${data.mass.unit}]`);
    make("text", { x: 14, y: margin.top + size.h / 2, "text-anchor": "middle",
      transform: `rotate(-90 14 ${margin.top + size.h / 2})` }, svg, data.coupling.name);
  }

  // Labels stand at the first place along their curve that no other label takes.
  function labelBounds(svg) {
    const taken = [];
    for (const bound of data.bounds) {
      if (taken.some((box) => box.label === bound.label)) continue;
      const w = 6.2 * bound.label.length, h = 13;
      const order = [...bound.line].sort((a, b) => a[1] - b[1]);
      for (const [mass, d] of order) {
        const x = px(mass) - w / 2, y = py(d) + 4;
        const inside = x > margin.left + 3 && x + w < margin.left + size.w - 3
          && y > margin.top + 3 && y + h < margin.top + size.h - 3;
        if (!inside || taken.some((b) => x < b.x + b.w && b.x < x + w && y < b.y + h && b.y < y + h)) continue;
        taken.push({ label: bound.label, x, y, w });
        make("text", { x, y: y + 11, class: "bound",
          style: bound.status === "allowed" ? `fill: ${boundStyle(bound).stroke}` : "" }, svg, bound.label);
        break;
      }
    }
  }

  function draw() {
    const width = plane.clientWidth;
    if (!width) return;
    const height = Math.max(320, Math.min(560, 0.85 * width));
    size = { w: width - margin.left - margin.right, h: height - margin.top - margin.bottom };
    plane.textContent = "";
    const svg = make("svg", { viewBox: `0 0 ${width} ${height}`, height, role: "img",
      "aria-label": "Limits and existing bounds in the plane of mass and coupling" }, plane);
    const clip = make("clipPath", { id: "frame" }, make("defs", {}, svg));
    make("rect", { x: margin.left, y: margin.top, width: size.w, height: size.h }, clip);
    const area = make("g", { "clip-path": "url(#frame)" }, svg);
    if (!hidden.has(BOUNDS)) {
      for (const bound of data.bounds) {
        const look = boundStyle(bound);
        const line = make("path", { d: path([bound.line]), stroke: look.stroke, fill: look.fill, "stroke-width": 1,
          "stroke-dasharray": look.dash }, area);
        make("title", {}, line, bound.name);
      }
    }
    for (const limit of data.limits) {
      if (hidden.has(layer(limit))) continue;
      const look = style(limit);
      if (limit.first && limit.kind === "observed") {
        make("path", { d: path(limit.rings), fill: "#0072B2", "fill-opacity": 0.12, "fill-rule": "evenodd" }, area);
      }
      const line = make("path", { d: path(limit.lines), fill: "none", stroke: look.stroke,
        "stroke-width": look.width, "stroke-dasharray": look.dash }, area);
      make("title", {}, line, limit.name);
    }
    if (!hidden.has(BOUNDS)) labelBounds(svg);
    drawAxes(svg);
    mark = make("g", { "pointer-events": "none" }, svg);
    drawMark();
  }

  function drawMark() {
    if (!mark || !here) return;
    const x = px(data.masses[here.i]), y = py(data.couplings[here.j]);
    mark.textContent = "";
    make("path", { d: `M${x} ${margin.top}v${size.h}M${margin.left} ${y}h${size.w}`, stroke: "#000",
      "stroke-width": 0.6, "stroke-dasharray": "3 3" }, mark);
    make("circle", { cx: x, cy: y, r: 5, fill: "#fff", stroke: "#000", "stroke-width": 1.5 }, mark);
  }

  const nearest = (values, at) => values.reduce((best, value, k) =>
    Math.abs(Math.log(value / at)) < Math.abs(Math.log(values[best] / at)) ? k : best, 0);

  function row(name, value) {
    const line = body.insertRow();
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = name;
    line.appendChild(head);
    const cell = line.insertCell();
    cell.textContent = value;
    cell.dataset.name = name;
  }

  const number = (value) => (value === null ? "–" : value !== 0 && value < 1e-3
    ? value.toExponential(2) : String(+value.toPrecision(4)));

  function show(i, j) {
    here = { i: Math.max(0, Math.min(M - 1, i)), j: Math.max(0, Math.min(D - 1, j)) };
    const at = here.i * D + here.j, grid = data.grid;
    body.textContent = "";
    row(`mass [${data.mass.unit}]`, +data.masses[here.i].toPrecision(4));
    row(data.coupling.name, data.couplings[here.j].toExponential(3));
    grid.channels.forEach((name, k) => row(`events ${name}`, number(grid.signal[k][at])));
    const method = grid.method.texts[grid.method.code[at]];
    const test = method.startsWith("bayesian") ? "posterior above," : "CLs";
    row(`${test} observed`, number(grid.observed[at]));
    row(`${test} expected`, number(grid.expected[2][at]));
    row("±1σ", [grid.expected[1][at], grid.expected[3][at]].map(number).join(" – "));
    row("±2σ", [grid.expected[0][at], grid.expected[4][at]].map(number).join(" – "));
    row("significance expected [σ]", number(grid.significance[at]));
    row("method", method);
    row("validity", grid.validity.texts[grid.validity.code[at]]);
    drawMark();
  }

  function follow(event) {
    const box = plane.firstChild.getBoundingClientRect();
    const fx = (event.clientX - box.left - margin.left) / size.w;
    const fy = (event.clientY - box.top - margin.top) / size.h;
    if (fx < -0.02 || fx > 1.02 || fy < -0.02 || fy > 1.02) return;
    show(nearest(data.masses, 10 ** (x0 + fx * (x1 - x0))), nearest(data.couplings, 10 ** (y1 - fy * (y1 - y0))));
  }

  function fromAddress() {
    const found = /^#at=([^,]+),([^,]+)$/.exec(location.hash);
    const at = found ? found.slice(1).map(Number) : null;
    if (at && at.every((value) => value > 0)) {
      show(nearest(data.masses, at[0] * data.mass.factor), nearest(data.couplings, at[1] * data.coupling.factor));
    }
    return Boolean(at);
  }

  function layers() {
    const names = new Map(data.limits.map((limit) => [layer(limit), style(limit)]));
    if (data.bounds.length) names.set(BOUNDS, { stroke: "#7a7a7a", width: 1, dash: "" });
    for (const [name, look] of names) {
      const label = document.createElement("label"), box = document.createElement("input");
      const swatch = document.createElement("span");
      box.type = "checkbox";
      box.checked = true;
      box.addEventListener("change", () => { hidden[box.checked ? "delete" : "add"](name); draw(); });
      swatch.className = "swatch";
      const pattern = look.dash === "" ? "solid" : look.dash.startsWith("2") ? "dotted" : "dashed";
      swatch.style.borderTop = `${Math.max(2, look.width)}px ${pattern} ${look.stroke}`;
      label.append(box, swatch, name);
      document.getElementById("layers").appendChild(label);
    }
  }

  plane.addEventListener("pointermove", follow);
  plane.addEventListener("pointerdown", follow);
  plane.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
    if (!step || !here) return;
    event.preventDefault();
    show(here.i + step[0], here.j + step[1]);
  });
  document.getElementById("interactive").hidden = false;
  layers();
  addEventListener("hashchange", fromAddress);
  new ResizeObserver(draw).observe(plane);
  draw();
  if (!fromAddress()) show(Math.floor(M / 2), Math.floor(D / 2));
})();
