/** Of one result in the payload case, in characters of ASCII. */
export const RESULT_BYTES = 1024;
