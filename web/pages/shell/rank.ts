/** Items whose text holds every letter of `query` in order, the closest first; all of them for an empty query. */
export function rank<Item>(items: readonly Item[], query: string, textOf: (item: Item) => string): readonly Item[] {
  const wanted = query.trim().toLowerCase();
  if (wanted === '') return items;
  const scored: { item: Item; score: number }[] = [];
  for (const item of items) {
    const score = scoreOf(textOf(item).toLowerCase(), wanted);
    if (score !== null) scored.push({ item, score });
  }
  return scored.sort((a, b) => a.score - b.score).map(({ item }) => item);
}

/** Lower is closer; null when a letter is missing. */
function scoreOf(text: string, wanted: string): number | null {
  const whole = text.indexOf(wanted);
  if (whole !== -1) return whole === 0 || text[whole - 1] === ' ' ? whole / 1000 : 1 + whole / 1000;
  let from = 0;
  let gaps = 0;
  for (const letter of wanted) {
    if (letter === ' ') continue;
    const found = text.indexOf(letter, from);
    if (found === -1) return null;
    gaps += found - from;
    from = found + 1;
  }
  return 10 + gaps;
}
