declare const brand: unique symbol;

/** A value of type `T` that only the file which parses or mints it may produce. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };
