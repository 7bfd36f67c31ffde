/**
 * The one gate between what was recorded and a terminal. Whatever a journal, a payload, an error or
 * an id holds, what comes out has no byte that a terminal obeys, nothing that turns text around or
 * hides it, and no line break: a name cannot clear the screen, forge a line, or read other than it is.
 */
import { stripVTControlCharacters } from 'node:util';

/**
 * Controls, invisible and direction-changing characters, line and paragraph separators, lone surrogates. What joins two
 * pictographs makes one of them, such as a family, and hides nothing.
 */
const UNSAFE =
  /(?!(?<=\p{Extended_Pictographic}[\p{Emoji_Modifier}\ufe0f]?)\u200d(?=\p{Extended_Pictographic}))[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu;

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** One line. What is unsafe is shown as JSON would escape it, so that cleaned JSON is still that JSON. */
export function clean(text: string): string {
  return text.replace(UNSAFE, escaped);
}

function escaped(char: string): string {
  const short = SHORT[char];
  if (short !== undefined) return short;
  let escape = '';
  for (let i = 0; i < char.length; i += 1) {
    escape += `\\u${char.charCodeAt(i).toString(16).padStart(4, '0')}`;
  }
  return escape;
}

/**
 * Text that is meant to have lines, such as what a command printed: each line clean, colours taken
 * away, tabs as two spaces. The caller puts the lines where they cannot be taken for its own.
 */
export function cleanLines(text: string): string[] {
  return stripVTControlCharacters(text).replace(/\r\n?/g, '\n').replaceAll('\t', '  ').split('\n').map(clean);
}
