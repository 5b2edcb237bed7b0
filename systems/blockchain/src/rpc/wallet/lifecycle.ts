/** Wallets made, loaded, locked, backed up. */

import type { RpcMethod } from "../context.ts";
import { RpcError } from "../errors.ts";
import { optional, param, withDefault } from "../method.ts";
import { coins } from "../views/numbers.ts";
import { row, walletOf, walletRow } from "./common.ts";

const walletName = param.string("the wallet's name");
const passphrase = param.string("the wallet's passphrase");
const ignored = optional(param.json("has no meaning here"));

export const lifecycleMethods: readonly RpcMethod[] = [
  row(
    "createwallet",
    "makes a wallet, or restores one from its mnemonic",
    {
      wallet_name: walletName,
      disable_private_keys: optional(param.boolean("must be false")),
      blank: optional(param.boolean("must be false")),
      passphrase: optional(param.string("encrypts the wallet")),
      avoid_reuse: ignored,
      descriptors: ignored,
      load_on_startup: ignored,
      external_signer: ignored,
      mnemonic: optional(param.string("words that restore a wallet (BIP 39)")),
      mnemonic_passphrase: optional(param.string("BIP 39's extension of the words")),
      birthday: optional(param.integer("height before which nothing was paid to it", 0)),
    },
    async ({ wallets }, values) => {
      if (values.disable_private_keys || values.blank)
        throw new RpcError("walletError", "Wallets without private keys or without keys are not kept here.");
      const { passphrase: secret, mnemonic, mnemonic_passphrase: mnemonicPassphrase, birthday } = values;
      // Core: an empty passphrase is none.
      const options = { mnemonic, mnemonicPassphrase, birthday, passphrase: secret === "" ? undefined : secret };
      const { name } = await wallets.create(values.wallet_name, options);
      return { name, ...(options.passphrase === undefined && { warnings: ["The wallet is not encrypted."] }) };
    },
    { "bad-argument": "walletError" },
  ),
  row(
    "loadwallet",
    "has a wallet follow the chain",
    { filename: walletName, load_on_startup: ignored },
    async ({ wallets }, values) => {
      const { name } = await wallets.load(values.filename);
      return { name };
    },
    { exists: "walletAlreadyLoaded", "not-found": "walletNotFound" },
  ),
  row(
    "unloadwallet",
    "ends that",
    { wallet_name: optional(walletName), load_on_startup: ignored },
    async (context, values, call) => {
      await context.wallets.unload(values.wallet_name ?? walletOf(context, call).name);
      return {};
    },
    { "not-found": "walletNotFound" },
  ),
  row("listwallets", "the wallets that follow the chain", {}, ({ wallets }) =>
    wallets.loaded().map(({ name }) => name),
  ),
  row("listwalletdir", "all wallets of the node", {}, ({ wallets }) => ({
    wallets: wallets.names().map((name) => ({ name, warnings: [] })),
  })),
  row(
    "restorewallet",
    "takes a wallet out of a backup",
    { wallet_name: walletName, backup_file: param.string("path at the node") },
    async ({ wallets }, values) => {
      const { name } = await wallets.restore(values.wallet_name, values.backup_file);
      return { name };
    },
  ),
  walletRow(
    "backupwallet",
    "writes the wallet to a file at the node",
    { destination: param.string("path") },
    async (wallet, values) => {
      await wallet.backup(values.destination);
      return null;
    },
  ),
  walletRow("getwalletinfo", "the wallet's state", {}, (wallet) => {
    const info = wallet.info();
    const { trusted, pending, immature } = wallet.balances();
    return {
      walletname: info.name,
      walletversion: 1,
      format: "coracle",
      balance: coins(trusted),
      unconfirmed_balance: coins(pending),
      immature_balance: coins(immature),
      txcount: info.transactions,
      keypoolsize: 100,
      ...(info.encrypted && { unlocked_until: info.unlockedUntil }),
      paytxfee: 0,
      private_keys_enabled: true,
      avoid_reuse: false,
      scanning: info.scanning,
      descriptors: true,
      external_signer: false,
      blank: false,
      birthheight: info.birthday,
      lastprocessedblock: { height: info.height },
    };
  }),
  walletRow("encryptwallet", "gives the wallet a passphrase and locks it", { passphrase }, async (wallet, values) => {
    await wallet.encrypt(values.passphrase);
    return "wallet encrypted; The mnemonic stays the same. Backups that were made before are not encrypted: destroy them.";
  }),
  walletRow(
    "walletpassphrase",
    "unlocks the wallet for a time",
    { passphrase, timeout: param.integer("seconds") },
    async (wallet, values) => {
      if (values.timeout < 0) throw new RpcError("invalidParameter", "Timeout cannot be negative.");
      if (values.passphrase === "") throw new RpcError("invalidParameter", "passphrase cannot be empty");
      await wallet.unlock(values.passphrase, Math.max(values.timeout, 1));
      return null;
    },
  ),
  walletRow("walletlock", "locks the wallet", {}, (wallet) => {
    wallet.lock();
    return null;
  }),
  walletRow(
    "walletpassphrasechange",
    "exchanges the passphrase and locks",
    { oldpassphrase: passphrase, newpassphrase: passphrase },
    async (wallet, values) => {
      await wallet.changePassphrase(values.oldpassphrase, values.newpassphrase);
      return null;
    },
  ),
  walletRow(
    "rescanblockchain",
    "looks through the chain again",
    { start_height: withDefault(param.integer("first block", 0), 0), stop_height: ignored },
    async (wallet, values, { chain }) => {
      if (values.start_height > chain.tip.height) throw new RpcError("invalidParameter", "Invalid start_height");
      await wallet.rescan(values.start_height);
      return { start_height: wallet.info().birthday, stop_height: wallet.info().height };
    },
  ),
  walletRow("getmnemonic", "the words that restore the wallet; needs it unlocked", {}, (wallet) => ({
    mnemonic: wallet.mnemonic(),
  })),
];
