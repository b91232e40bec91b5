// Text whose contrast to what is behind it is below 4.5 to 1.
() => {
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = (place) => {
    for (let at = place; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour[3] !== 0) return colour;
    }
    return [255, 255, 255];
  };
  const low = [];
  for (const place of document.body.querySelectorAll("*")) {
    const text = [...place.childNodes].filter((node) => node.nodeType === 3).map((node) => node.data.trim()).join("");
    if (!text || !place.checkVisibility() || place.closest(".hidden, template, style, noscript")) continue;
    const colour = place.closest(".plot svg") ? getComputedStyle(place).fill : getComputedStyle(place).color;
    const [x, y] = [light(parts(colour)), light(behind(place.closest(".plot") ?? place))];
    const ratio = (Math.max(x, y) + 0.05) / (Math.min(x, y) + 0.05);
    if (ratio < 4.5) low.push([text.slice(0, 40), ratio.toFixed(2)]);
  }
  return low;
}
