// What a screen reader would stumble over.
() => {
  const found = [];
  const all = (selector) => [...document.querySelectorAll(selector)];
  const name = (place) => place.getAttribute("aria-label") || place.textContent.trim();
  const ids = all("[id]").map((place) => place.id);
  found.push(...ids.filter((id, rank) => ids.indexOf(id) !== rank).map((id) => `id ${id} twice`));
  found.push(...all("button, a, summary, h1, h2, h3").filter((place) => !name(place)).map((place) => `no name: ${place.outerHTML}`));
  found.push(...all("input").filter((place) => !place.labels.length).map((place) => `no label: ${place.id}`));
  found.push(...all("section").filter((place) => !place.getAttribute("aria-labelledby")).map(() => "section without a title"));
  for (const plot of all(".plot")) {
    const caption = document.getElementById(plot.getAttribute("aria-describedby"));
    if (plot.getAttribute("role") !== "img" || !plot.getAttribute("aria-label")) found.push("a chart without a name");
    if (!/[0-9]/.test(caption?.textContent)) found.push(`no values: ${plot.getAttribute("aria-label")}`);
  }
  if (all("h1").length !== 1) found.push("h1");
  if (all("main").length !== 1 || document.documentElement.lang !== "en") found.push("main, lang");
  if (all("#state svg").some((place) => place.getAttribute("aria-hidden") !== "true")) found.push("icon");
  return found;
}
