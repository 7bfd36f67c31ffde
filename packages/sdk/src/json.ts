/** A value that JSON holds without loss. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
