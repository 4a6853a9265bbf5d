/** @file TeX as MathML, which browsers draw themselves. The library comes only when a text holds a formula. */
import type { render } from "temml";

let renderMath: typeof render | undefined;
let loading: Promise<void> | undefined;

/** Loads the library; resolves at once when it is there. */
export function loadMath(): Promise<void> {
  loading ??= import("temml").then((module) => {
    renderMath = module.default.render;
  });
  return loading;
}

/** Replaces every `[data-math]` below `root` by its formula; false while the library is on its way. */
export function drawMath(root: ParentNode): boolean {
  const places = root.querySelectorAll<HTMLElement>("[data-math]");
  if (places.length === 0) return true;
  if (renderMath === undefined) return false;
  for (const place of places) {
    const block = place.dataset["math"] === "block";
    const holder = document.createElement("span");
    holder.className = block ? "math block" : "math";
    if (block) holder.tabIndex = 0;
    // The library makes nodes, never markup. A formula is hostile text as well: no links, no endless macros, no giant sizes.
    renderMath(place.textContent, holder, {
      displayMode: block,
      throwOnError: false,
      trust: false,
      maxExpand: 200,
      maxSize: [20, 20],
    });
    place.replaceWith(holder);
  }
  return true;
}
