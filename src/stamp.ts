/**
 * What we remember of one of Node's objects, kept on the object itself in a private field.
 *
 * A private field is as cheap as a property, dies with its object, and cannot be seen, copied or
 * inspected by anyone else. A WeakMap look-up would cost some 25 ns more on every use, and a symbol property shows in
 * `util.inspect` and `assert.deepEqual`. Trick: a base class whose constructor returns the object to be stamped.
 */
export interface Stamp<K extends object, V> {
  get(object: K): V | undefined;
  set(object: K, value: V): void;
}

/** What makes `super(object)` give the private fields of a class to any object. */
export const Returned = class {
  constructor(object: object) {
    // biome-ignore lint/correctness/noConstructorReturn: this is the trick
    return object;
  }
};

/**
 * Makes a new kind of stamp.
 *
 * All kinds share their code, which thus never knows what it is looking at. Where every request asks, more than once, a class of its own
 * is found faster: see {@link Returned}.
 */
export function stamp<K extends object, V>(): Stamp<K, V> {
  return class Stamped extends Returned {
    #value: V;

    private constructor(object: K, value: V) {
      super(object);
      this.#value = value;
    }

    static get(object: K): V | undefined {
      return #value in object ? (object as unknown as Stamped).#value : undefined;
    }

    static set(object: K, value: V): void {
      if (#value in object) (object as unknown as Stamped).#value = value;
      else new Stamped(object, value);
    }
  };
}
