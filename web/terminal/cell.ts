/** The advance of JetBrains Mono, in parts of the font's size. */
const advance = 0.6;

/**
 * Device pixels to add to each cell. xterm.js rounds a cell's width down, which crowds the letters
 * where the fraction is large; rounding to the nearest keeps the font's own rhythm.
 */
export function letterSpacing(fontSize: number, pixelRatio: number): number {
  const natural = advance * fontSize * pixelRatio;
  return natural - Math.floor(natural) >= 0.5 ? 1 : 0;
}

/** The width of a cell in CSS pixels. */
export function cellWidth(fontSize: number, pixelRatio: number): number {
  return (Math.floor(advance * fontSize * pixelRatio) + letterSpacing(fontSize, pixelRatio)) / pixelRatio;
}
