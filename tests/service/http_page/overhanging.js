// What reaches beyond the right edge.
() => {
  const isOut = (place) => place.getBoundingClientRect().right > innerWidth + 1;
  const isMeant = (place) => place.checkVisibility() && !place.closest(".hidden, svg, .track");
  const places = [...document.querySelectorAll("main *, header *")];
  return places.filter((place) => isMeant(place) && isOut(place)).map((place) => place.outerHTML.slice(0, 100));
}
