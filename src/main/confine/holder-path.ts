/** Where a confined keeper finds the program of its holders. */
export const holderPath = '/holder';
