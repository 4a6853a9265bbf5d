/** @file Types of the package spdx-expression-parse, which has none of its own. */
declare module "spdx-expression-parse" {
  namespace parse {
    type Info =
      | {
          readonly license: string;
          readonly plus?: true | undefined;
          readonly exception?: string | undefined;
        }
      | { readonly conjunction: "and" | "or"; readonly left: Info; readonly right: Info };
  }
  /** The tree of an SPDX expression. @throws Error for what is none */
  function parse(expression: string): parse.Info;
  export = parse;
}
