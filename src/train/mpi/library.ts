/**
 * @file Finds an MPI library of this machine and declares the dozen functions that training needs, without a compiler
 * and without a package of its own: Open MPI, or MPICH and those that keep its binary interface (Intel MPI, Cray MPICH,
 * MVAPICH; https://www.mpich.org/abi/).
 */
import koffi, { type LibraryHandle } from "koffi";
import { assert, describeError, FirnError } from "../../core/index.ts";

/** Open MPI's handles are addresses of exported structures, MPICH's are numbers with a fixed meaning. */
export type MpiFamily = "Open MPI" | "MPICH";

/** A communicator, data type or error handler as its family writes it. */
type Handle = bigint | number;
/** Where something lies in memory. */
type Address = bigint;

/** The functions that are called, each of which returns an error code (0: none). */
export interface MpiFunctions {
  initThread(argc: null, argv: null, required: number, provided: Int32Array): number;
  finalize(): number;
  abort(communicator: Handle, code: number): number;
  setErrorHandler(communicator: Handle, handler: Handle): number;
  rank(communicator: Handle, rank: Int32Array): number;
  size(communicator: Handle, size: Int32Array): number;
  send(
    data: Address,
    count: number,
    type: Handle,
    to: number,
    tag: number,
    communicator: Handle,
    request: Address,
  ): number;
  receive(
    data: Address,
    count: number,
    type: Handle,
    from: number,
    tag: number,
    communicator: Handle,
    request: Address,
  ): number;
  broadcast(
    data: Address,
    count: number,
    type: Handle,
    root: number,
    communicator: Handle,
    request: Address,
  ): number;
  testAll(count: number, requests: Address, done: Int32Array, statuses: Handle): number;
  errorString(code: number, text: Uint8Array, length: Int32Array): number;
}

export interface MpiLibrary extends MpiFunctions {
  readonly family: MpiFamily;
  /** The file name under which it was found, e.g. `libmpi.so.40`. */
  readonly file: string;
  /** The first line of what the library says of itself, e.g. `Open MPI v4.1.4`. */
  readonly version: string;
  readonly world: Handle;
  readonly byteType: Handle;
  readonly errorsReturn: Handle;
  readonly statusesIgnore: Handle;
  /** Bytes of one request handle. */
  readonly requestBytes: number;
}

/** Where each family's library is found, by its soname: Open MPI since 2.0, MPICH's interface since 3.1. */
const FILES: Readonly<Record<string, Readonly<Record<MpiFamily, readonly string[]>>>> = {
  linux: {
    "Open MPI": ["libmpi.so.40", "libmpi.so"],
    MPICH: ["libmpi.so.12", "libmpich.so.12", "libmpi.so"],
  },
  darwin: {
    "Open MPI": ["libmpi.40.dylib", "/opt/homebrew/lib/libmpi.40.dylib", "/usr/local/lib/libmpi.40.dylib"],
    MPICH: ["libmpi.12.dylib", "/opt/homebrew/lib/libmpi.12.dylib", "/usr/local/lib/libmpi.12.dylib"],
  },
};

/** What to install; printed by every error about a missing library and by `firn doctor`. */
export const MPI_INSTALL_HINT =
  "Install one, e.g. `apt install openmpi-bin` (Debian), `dnf install openmpi`, `brew install open-mpi`, or load your cluster's module.";

const MAX_VERSION_BYTES = 8192;

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return new TextDecoder().decode(bytes.subarray(0, end < 0 ? bytes.length : end));
}

function familyOf(library: LibraryHandle): MpiFamily {
  try {
    library.symbol("ompi_mpi_comm_world");
    return "Open MPI";
  } catch {
    return "MPICH";
  }
}

/** The constants of each family: `mpi.h` of Open MPI 4.1 and of MPICH 4.0. */
function constantsOf(
  family: MpiFamily,
  library: LibraryHandle,
): Pick<MpiLibrary, "world" | "byteType" | "errorsReturn" | "statusesIgnore" | "requestBytes"> {
  if (family === "MPICH") {
    return {
      world: 0x44000000,
      byteType: 0x4c00010d,
      errorsReturn: 0x54000001,
      statusesIgnore: 1n,
      requestBytes: 4,
    };
  }
  const address = (name: string): bigint => {
    const found: unknown = library.symbol(name);
    assert(typeof found === "bigint", `koffi gives the address of ${name}`);
    return found;
  };
  return {
    world: address("ompi_mpi_comm_world"),
    byteType: address("ompi_mpi_byte"),
    errorsReturn: address("ompi_mpi_errors_return"),
    statusesIgnore: 0n,
    requestBytes: 8,
  };
}

function declare(family: MpiFamily, library: LibraryHandle): MpiFunctions {
  const handle = family === "MPICH" ? "int" : "void *";
  const declared = (name: string, ...parameters: readonly string[]): never =>
    library.func(name, "int", [...parameters]) as never;
  const transfer = ["void *", "int", handle, "int", "int", handle, "void *"] as const;
  return {
    initThread: declared("MPI_Init_thread", "void *", "void *", "int", "void *"),
    finalize: declared("MPI_Finalize"),
    abort: declared("MPI_Abort", handle, "int"),
    setErrorHandler: declared("MPI_Comm_set_errhandler", handle, handle),
    rank: declared("MPI_Comm_rank", handle, "void *"),
    size: declared("MPI_Comm_size", handle, "void *"),
    send: declared("MPI_Isend", ...transfer),
    receive: declared("MPI_Irecv", ...transfer),
    broadcast: declared("MPI_Ibcast", "void *", "int", handle, "int", handle, "void *"),
    testAll: declared("MPI_Testall", "int", "void *", "void *", "void *"),
    errorString: declared("MPI_Error_string", "int", "void *", "void *"),
  };
}

function versionOf(library: LibraryHandle): string {
  const text = new Uint8Array(MAX_VERSION_BYTES);
  const length = new Int32Array(1);
  const call = library.func("MPI_Get_library_version", "int", ["void *", "void *"]) as (
    text: Uint8Array,
    length: Int32Array,
  ) => number;
  call(text, length);
  return textOf(text).split(/[\n,]/)[0]!.replaceAll(/\s+/g, " ").trim();
}

/** The message of an MPI error code. */
export function mpiErrorText(library: MpiFunctions, code: number): string {
  const text = new Uint8Array(512);
  library.errorString(code, text, new Int32Array(1));
  return textOf(text);
}

/**
 * Opens the first library found of `families`. Loading one starts nothing: `MPI_Init` does.
 *
 * @throws FirnError `TRAIN_MPI_MISSING`
 */
export function openMpiLibrary(families: readonly MpiFamily[] = ["Open MPI", "MPICH"]): MpiLibrary {
  const files = FILES[process.platform];
  const tried: string[] = [];
  for (const name of families) {
    for (const file of files?.[name] ?? []) {
      try {
        // Global, because Open MPI's plug-ins look their symbols up in the process.
        const library = koffi.load(file, { global: true });
        if (familyOf(library) !== name) continue;
        const constants = constantsOf(name, library);
        return {
          ...declare(name, library),
          ...constants,
          family: name,
          file,
          version: versionOf(library),
        };
      } catch (error) {
        tried.push(`${file} (${describeError(error)})`);
      }
    }
  }
  throw new FirnError("TRAIN_MPI_MISSING", {
    expected: `the library of ${families.join(" or ")}`,
    got: tried.length === 0 ? `none that Firn knows on ${process.platform}` : `none of ${tried.join(", ")}`,
    next: MPI_INSTALL_HINT,
  });
}
