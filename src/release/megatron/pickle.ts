/**
 * @file Python's pickled values, as far as `torch.save` uses them for checkpoints: plain values, classes by name, and
 * references to storages outside the pickle. A class is only its name and what it was given; nothing is ever run.
 */

/** A class or function by its name, `module.name`. */
export class PickleGlobal {
  readonly name: string;
  constructor(name: string) {
    this.name = name;
  }
}

/** An object: what it was made by, with which arguments, and what it was given afterwards. */
export class PickleObject {
  readonly global: string;
  readonly args: readonly Pickle[];
  /** What `__setstate__` or `__dict__` gets. */
  state: Pickle = null;
  /** Entries of a dictionary. */
  readonly items = new Map<Pickle, Pickle>();
  constructor(global: string, args: readonly Pickle[] = []) {
    this.global = global;
    this.args = args;
  }
}

/** A tuple; lists are plain arrays. */
export class PickleTuple {
  readonly items: readonly Pickle[];
  constructor(items: readonly Pickle[]) {
    this.items = items;
  }
}

/** A reference to something outside the pickle, by whatever the writer calls it. */
export class PersistentId {
  readonly id: Pickle;
  constructor(id: Pickle) {
    this.id = id;
  }
}

/** A number that is to be a Python float though it is whole. */
export class PickleFloat {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type Pickle =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Pickle[]
  | Map<Pickle, Pickle>
  | PickleFloat
  | PickleGlobal
  | PickleObject
  | PickleTuple
  | PersistentId;

/** Bytes that are not a pickle of this kind. */
export class NotAPickle extends Error {}
