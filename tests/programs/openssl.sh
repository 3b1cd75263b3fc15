#!/bin/bash
# openssl: ciphers, digests, signatures, certificates, a key made and used.
. "$(dirname "$0")/lib.sh"
need openssl
export OPENSSL_CONF=/dev/null RANDFILE=$work/random

seq 1 100000 >"$input/data"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 \
	-out "$input/key" 2>/dev/null ||
	openssl genpkey -algorithm RSA -out "$input/key" 2>/dev/null ||
	skip "this openssl makes no key"
openssl pkey -in "$input/key" -pubout -out "$input/public"

fixed() {
	local cipher digest
	for cipher in aes-256-cbc aes-128-ctr chacha20 camellia-192-cbc; do
		openssl enc -$cipher -pbkdf2 -S 0123456789abcdef -pass pass:tarn \
			-in ../input/data -out data.$cipher || return
		openssl enc -d -$cipher -pbkdf2 -S 0123456789abcdef \
			-pass pass:tarn -in data.$cipher | cmp - ../input/data ||
			return
		openssl dgst -sha256 data.$cipher || return
	done
	for digest in sha1 sha512 sha3-384 blake2b512; do
		openssl dgst -$digest -r ../input/data || return
	done
	openssl dgst -sha256 -hmac key ../input/data || return
	openssl dgst -sha256 -sign ../input/key -out signature ../input/data ||
		return
	openssl base64 -in signature || return
	openssl dgst -sha256 -verify ../input/public -signature signature \
		../input/data || return
	openssl pkey -in ../input/key -text -noout | openssl dgst -sha256 || return
	openssl prime -generate -bits 64 | wc -l
}

certificates() {
	local curve=prime256v1
	openssl ecparam -name $curve -genkey -noout -out ca.key || return
	openssl req -x509 -new -key ca.key -subj /CN=authority -days 30 \
		-config ../input/conf -extensions v3_ca -out ca.crt || return
	openssl genpkey -algorithm RSA -out leaf.key 2>/dev/null || return
	openssl req -new -key leaf.key -subj /CN=leaf -config ../input/conf \
		-out leaf.csr || return
	openssl req -in leaf.csr -config ../input/conf -noout -verify -subject ||
		return
	openssl x509 -req -in leaf.csr -CA ca.crt -CAkey ca.key -set_serial 7 \
		-days 30 -out leaf.crt 2>/dev/null || return
	openssl verify -CAfile ca.crt leaf.crt || return
	openssl x509 -in leaf.crt -noout -subject -issuer -serial || return
	openssl pkcs12 -export -in leaf.crt -inkey leaf.key -passout pass:x \
		-out leaf.p12 || return
	openssl pkcs12 -in leaf.p12 -passin pass:x -nokeys | grep subject
	openssl cms -encrypt -binary -in ../input/data -out data.cms \
		-outform DER leaf.crt || return
	openssl cms -decrypt -binary -inform DER -in data.cms -recip leaf.crt \
		-inkey leaf.key | cmp - ../input/data && echo "the same"
}

cat >"$input/conf" <<'END'
[req]
distinguished_name = dn
[dn]
[v3_ca]
basicConstraints = critical,CA:true
END
same_output fixed
served openssl
same_output certificates
served openssl
