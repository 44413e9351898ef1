/** A matched text in pieces, to show which letters matched. */
export type Match = { score: number; pieces: { text: string; hit: boolean }[] };

/** Letters of the query in order, words at their start first; null if it does not match. */
export function fuzzy(query: string, text: string): Match | null {
  const wanted = query.toLowerCase().replace(/\s+/g, "");
  if (!wanted) return { score: 0, pieces: [{ text, hit: false }] };
  const hits = positions(wanted, text.toLowerCase());
  if (!hits) return null;
  return { score: score(hits, text), pieces: pieces(text, new Set(hits)) };
}

function positions(wanted: string, text: string): number[] | null {
  const hits: number[] = [];
  let from = 0;
  for (const letter of wanted) {
    // After a hit the next letter is best found right there, else at a word's start, else anywhere.
    const here = text[from] === letter && hits.length > 0 ? from : -1;
    const start = here >= 0 ? -1 : wordStart(text, letter, from);
    const at = here >= 0 ? here : start >= 0 ? start : text.indexOf(letter, from);
    if (at < 0) return hits.length > 0 && start < 0 ? plain(wanted, text) : null;
    hits.push(at);
    from = at + 1;
  }
  return hits;
}

// Jumping to word starts can overrun the text; then the letters are taken as they come.
function plain(wanted: string, text: string): number[] | null {
  const hits: number[] = [];
  let from = 0;
  for (const letter of wanted) {
    const at = text.indexOf(letter, from);
    if (at < 0) return null;
    hits.push(at);
    from = at + 1;
  }
  return hits;
}

function wordStart(text: string, letter: string, from: number): number {
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === letter && (at === 0 || /[\s_\-./]/.test(text[at - 1] ?? ""))) return at;
  }
  return -1;
}

function score(hits: number[], text: string): number {
  const together = hits.filter((at, index) => index > 0 && at === (hits[index - 1] ?? 0) + 1).length;
  const starts = hits.filter((at) => at === 0 || text[at - 1] === " ").length;
  return together * 4 + starts * 3 - (hits[0] ?? 0) * 0.1;
}

function pieces(text: string, hits: Set<number>): Match["pieces"] {
  const parts: Match["pieces"] = [];
  for (const [at, letter] of [...text].entries()) {
    const hit = hits.has(at);
    const last = parts.at(-1);
    if (last && last.hit === hit) last.text += letter;
    else parts.push({ text: letter, hit });
  }
  return parts;
}
