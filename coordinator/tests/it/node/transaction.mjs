// What the Aptos SDK reads in a signed transaction. Reads hexadecimal digits, a transaction a line, and answers a
// line each.

import { webcrypto } from "node:crypto";
import { createInterface } from "node:readline";
import {
  AccountAddress, AccountAuthenticatorEd25519, Deserializer, Hex, SignedTransaction, SimpleTransaction, U64,
  generateSigningMessageForTransaction, generateUserTransactionHash,
} from "@aptos-labs/ts-sdk";

// Debian's Node 18 has it in a module only.
globalThis.crypto ??= webcrypto;

function read(hex) {
  const bytes = Hex.fromHexInput(hex).toUint8Array();
  const signed = SignedTransaction.deserialize(new Deserializer(bytes));
  const { raw_txn: raw, authenticator } = signed;
  const { public_key: publicKey, signature } = authenticator;
  const transaction = new SimpleTransaction(raw);
  const { module_name: module, function_name: name, type_args: types, args } = raw.payload.entryFunction;
  const [addresses, octas] = args.map((arg) => new Deserializer(arg.bcsToBytes()));
  return {
    is_whole: Hex.fromHexInput(signed.bcsToBytes()).toString() === Hex.fromHexInput(hex).toString(),
    is_signed: publicKey.verifySignature({
      message: generateSigningMessageForTransaction(transaction), signature,
    }),
    signer: publicKey.authKey().derivedAddress().toStringLong(),
    hash: generateUserTransactionHash({
      transaction, senderAuthenticator: new AccountAuthenticatorEd25519(publicKey, signature),
    }),
    sender: raw.sender.toStringLong(),
    sequence_number: raw.sequence_number.toString(),
    max_gas: raw.max_gas_amount.toString(),
    gas_price: raw.gas_unit_price.toString(),
    expires_s: raw.expiration_timestamp_secs.toString(),
    chain_id: raw.chain_id.chainId,
    function: `${module.address}::${module.name.identifier}::${name.identifier}`,
    types: types.length,
    addresses: addresses.deserializeVector(AccountAddress).map((address) => address.toStringLong()),
    octas: octas.deserializeVector(U64).map((amount) => amount.value.toString()),
  };
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(read(line)));
}
