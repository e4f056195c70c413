/** Copies; false when the browser does not let it. */
export async function copyText(text: string): Promise<boolean> {
  if (text === '') return false;
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // There is no clipboard without TLS or localhost, and none without focus.
    return false;
  }
}

/** Reads the clipboard; null when the browser does not let it. */
export async function readClipboard(): Promise<string | null> {
  try {
    return await navigator.clipboard.readText();
  } catch {
    return null;
  }
}
