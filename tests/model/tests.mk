# Models of what runs without a lock, visited to the end. They find the same in
# every build.

model_tests = \
	tests/model/lock.sh \
	tests/model/orders.sh \
	tests/model/parking.sh \
	tests/model/remote.sh \
	tests/model/theft.sh

tree_tests += $(model_tests)

EXTRA_DIST += \
	tests/model/README.md \
	tests/model/deferred.pml \
	tests/model/lock.pml \
	tests/model/model.bash \
	tests/model/orders.cpp \
	tests/model/parking.pml \
	tests/model/remote.pml \
	tests/model/theft.pml
